import type { TensorProto } from "onnx-buf";
import { elementsOf, rawBytesOf } from "./dims.ts";
import { type ElementType, elementType, fieldWidth } from "./elementTypes.ts";
import { externalPlace, isExternal } from "./external.ts";
import { dataFields, type Payload, rawRun } from "./payload.ts";
import { checkLength } from "./rawData.ts";
import type { TensorStore } from "./tensors.ts";
import { maxVarintBytes } from "./wire.ts";

/**
 * Checks a tensor of a file just opened without reading its data: dimensions, the data's length against them, and where
 * external data are said to be. Varint fields are only bounded here (1 to 10 bytes an entry); reading counts them.
 * @throws SQ2004, SQ2007, SQ2008, SQ2010, SQ2013, SQ2017
 */
export function checkTensor(tensor: TensorProto, store: TensorStore): void {
  const { file } = store;
  elementsOf(tensor, file);
  const expected = rawBytesOf(tensor, file);
  const type = elementType(tensor.dataType);
  if (isExternal(tensor)) {
    const { length } = externalPlace(tensor, file);
    if (length !== undefined) checkLength(tensor, length, expected, file);
  } else if (expected !== undefined && type !== undefined) {
    const payload = store.payload(tensor);
    const [found, at] =
      payload?.kind === "file" ? bytesInFile(payload, type, expected) : [bytesInMessage(tensor, type), undefined];
    checkLength(tensor, found, expected, file, at);
  }
}

function bytesInMessage(tensor: TensorProto, type: ElementType): number {
  return tensor.rawData.length > 0 ? tensor.rawData.length : tensor[type.field].length * type.entryBytes;
}

/** Bytes as raw_data would have them, as near to `expected` as what is in the file allows; and where they are. */
function bytesInFile(
  payload: Payload & { kind: "file" },
  type: ElementType,
  expected: number,
): readonly [bytes: number, at: number | undefined] {
  const raw = rawRun(payload.runs);
  if (raw) return [raw.length, raw.at];
  const runs = payload.runs.filter((run) => run.field === dataFields[type.field]);
  const width = fieldWidth[type.field];
  let fewest = 0;
  let most = 0;
  for (const { packed, length } of runs) {
    // An unpacked entry has a tag of up to 10 bytes as well.
    fewest += Math.ceil(length / ((width || maxVarintBytes) + (packed ? 0 : maxVarintBytes)));
    most += Math.floor(length / ((width || 1) + (packed ? 0 : 1)));
  }
  const entries = Math.min(Math.max(expected / type.entryBytes, fewest), most);
  return [entries * type.entryBytes, runs[0]?.at];
}
