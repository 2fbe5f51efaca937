import { memorySource } from "../core/data/npz.ts";
import { copyModel, type OnnxModel } from "../core/onnx/model.ts";
import { readModel } from "../core/onnx/read.ts";
import { modelBytes } from "../core/onnx/write.ts";
import { openModelFile } from "./openModel.ts";

/**
 * The model with values for symbolic dimensions, by name. The runtime's Node binding has no such setting: it takes the
 * option freeDimensionOverrides and does nothing with it (1.30.0). A model that has none of the names is given back as it is;
 * another one as bytes, with its external data inside.
 * @throws SigmaQuantError as readModel and modelBytes (2 GiB at most)
 */
export async function withDims(
  model: Uint8Array | { readonly path: string },
  dims: Readonly<Record<string, number>>,
): Promise<Uint8Array | { readonly path: string }> {
  if (model instanceof Uint8Array) return (await fixed(await readModel(memorySource(model)), dims)) ?? model;
  const file = await openModelFile(model.path);
  try {
    return (await fixed(file.model, dims)) ?? model;
  } finally {
    await file.close();
  }
}

async function fixed(model: OnnxModel, dims: Readonly<Record<string, number>>): Promise<Uint8Array | undefined> {
  const copy = copyModel(model);
  const { graph } = copy;
  let found = false;
  for (const { type } of [...graph.input, ...graph.valueInfo, ...graph.output]) {
    if (type?.value.case !== "tensorType") continue;
    for (const dim of type.value.value.shape?.dim ?? []) {
      if (dim.value.case !== "dimParam" || !Object.hasOwn(dims, dim.value.value)) continue;
      const value = dims[dim.value.value] as number;
      dim.value = { case: "dimValue", value: BigInt(value) };
      found = true;
    }
  }
  return found ? await modelBytes(copy) : undefined;
}
