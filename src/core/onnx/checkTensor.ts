import type { TensorProto } from "onnx-buf";
import { elementsOf, rawBytesOf } from "./dims.ts";
import { elementType } from "./elementTypes.ts";
import { externalPlace, isExternal } from "./external.ts";
import { dataFields, rawRun } from "./payload.ts";
import { checkLength, noData } from "./rawData.ts";
import type { TensorStore } from "./tensors.ts";

/**
 * Checks a tensor of a file just opened without reading its data: dimensions, the data's length against them, and where
 * external data are said to be. Varint fields are only bounded here (1 to 10 bytes an entry); reading counts them.
 * @throws SQ2004, SQ2007, SQ2008, SQ2010, SQ2013, SQ2017
 */
export function checkTensor(tensor: TensorProto, store: TensorStore): void {
  const { file } = store;
  elementsOf(tensor, file);
  const expected = rawBytesOf(tensor, file);
  if (isExternal(tensor)) {
    const { length } = externalPlace(tensor, file);
    if (length !== undefined) checkLength(tensor, length, expected, file);
    return;
  }
  const type = elementType(tensor.dataType);
  if (expected === undefined || type === undefined) return;
  const payload = store.payload(tensor);
  if (payload?.kind === "file") {
    const raw = rawRun(payload.runs);
    if (raw) return checkLength(tensor, raw.length, expected, file, raw.at);
    const runs = payload.runs.filter((run) => run.field === dataFields[type.field]);
    const bytes = runs.reduce((sum, run) => sum + run.length, 0);
    const entries = expected / type.entryBytes;
    if (bytes === 0 && entries > 0) throw noData(tensor, file);
    // An unpacked entry has a tag of up to 10 bytes as well.
    const most = runs.every((run) => run.packed) ? 10 : 20;
    const possible = Math.min(Math.max(entries, Math.ceil(bytes / most)), bytes);
    checkLength(tensor, possible * type.entryBytes, expected, file, runs[0]?.at);
    return;
  }
  if (tensor.rawData.length > 0) return checkLength(tensor, tensor.rawData.length, expected, file);
  checkLength(tensor, tensor[type.field].length * type.entryBytes, expected, file);
}
