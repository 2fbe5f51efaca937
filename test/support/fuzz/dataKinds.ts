import { readFileSync } from "node:fs";
import { create, toBinary } from "@bufbuild/protobuf";
import { TensorProto_DataType as T, TensorProtoSchema } from "onnx-buf";
import type { ArrayFile } from "../../../src/core/data/arrays.ts";
import { openDataset } from "../../../src/core/data/dataset.ts";
import { npyFile } from "../../../src/core/data/npy.ts";
import { memorySource, openNpz } from "../../../src/core/data/npz.ts";
import { readTensorProto } from "../../../src/core/data/tensorProto.ts";
import type { ValueInfo } from "../../../src/core/ports.ts";
import { npy, type ZipPart } from "../../unit/data/support.ts";
import type { Kind } from "./kinds.ts";
import { mutateBytes, onceIn, oneOf } from "./mutateBytes.ts";
import { mutateNpy, mutateNpz } from "./mutateContainers.ts";
import { mutateProtobuf } from "./mutateProtobuf.ts";

const inputs: readonly ValueInfo[] = [{ name: "input", type: "float32", dims: ["batch", 1, 4, 4] }];

const arrays = {
  bytes: npy("|u1", "(3, 1, 4, 4)", new Uint8Array(48).fill(7)),
  floats: npy("<f4", "(3, 1, 4, 4)", new Uint8Array(192)),
  fortran: npy(">f8", "(3, 16)", new Uint8Array(384), { fortran: true, version: 2 }),
  labels: npy(
    "<i8",
    "(3,)",
    Uint8Array.from({ length: 24 }, (_, i) => (i % 8 === 0 ? i / 8 : 0)),
  ),
};

const archives: readonly (readonly ZipPart[])[] = (["bytes", "floats", "fortran"] as const).map((name) => [
  { name: "input.npy", content: arrays[name] },
  { name: "labels.npy", content: arrays.labels },
]);

/** Opens all arrays, reads a few rows of each, and feeds a model with them. */
async function useArrays(file: ArrayFile): Promise<void> {
  const dataset = await openDataset(file, inputs, { hash: "x" });
  await dataset.labels();
  for (let from = 0, left = 3; from < dataset.samples && left > 0; left--) {
    from += (await dataset.batch(from, 2)).samples;
  }
  for (const name of file.names) {
    const array = await file.open(name);
    const rows = array.dims[0] ?? 0;
    // As many as a batch has; a row of a mutated shape may be gigabytes of nothing.
    const elements = array.dims.slice(1).reduce((all, dim) => all * dim, 1);
    if (array.dims.length > 0 && elements < 1e6) await array.rows(0, Math.min(rows, 2));
  }
}

export const npzKind: Kind = {
  name: "npz",
  share: 14,
  memoryMiB: 640,
  open: async () => {
    const real = Uint8Array.from(readFileSync("examples/calibration.npz"));
    return {
      make: (dice) => {
        if (!onceIn(dice, 10)) return mutateNpz(oneOf(dice, archives), dice);
        // A real file's first header and directory.
        const places = Array.from({ length: 64 }, () =>
          onceIn(dice, 2) ? dice.below(300) : real.length - 1 - dice.below(300),
        );
        return mutateBytes(real, dice, places);
      },
      use: async (bytes) => useArrays(await openNpz(memorySource(bytes), "set.npz")),
    };
  },
};

export const npyKind: Kind = {
  name: "npy",
  share: 4,
  memoryMiB: 640,
  open: async () => ({
    make: (dice) => mutateNpy(oneOf(dice, Object.values(arrays)), dice),
    use: (bytes) => useArrays(npyFile(memorySource(bytes), "set.npy")),
  }),
};

export const tensorKind: Kind = {
  name: "test data",
  share: 4,
  memoryMiB: 640,
  open: async () => {
    const seeds = [
      create(TensorProtoSchema, { name: "input", dims: [2n, 3n], dataType: T.FLOAT, rawData: new Uint8Array(24) }),
      create(TensorProtoSchema, { dims: [4n], dataType: T.INT64, int64Data: [1n, 2n, 3n, 4n] }),
      create(TensorProtoSchema, { dims: [2n], dataType: T.FLOAT16, int32Data: [1, 2] }),
      create(TensorProtoSchema, { dims: [1n], dataType: T.STRING, stringData: [Uint8Array.of(65)] }),
    ].map((proto) => toBinary(TensorProtoSchema, proto));
    return {
      make: (dice) => mutateProtobuf(oneOf(dice, seeds), dice),
      use: async (bytes) => {
        readTensorProto(bytes, { file: "input_0.pb" });
      },
    };
  },
};
