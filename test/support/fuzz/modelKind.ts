import { readFileSync } from "node:fs";
import { toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import { memorySource } from "../../../src/core/data/npz.ts";
import { syntheticDataset } from "../../../src/core/data/synthetic.ts";
import { SigmaQuantError } from "../../../src/core/errors.ts";
import { requireProfile } from "../../../src/core/hardware/parseProfile.ts";
import type { Bits, HardwareProfile } from "../../../src/core/hardware/profile.ts";
import { modelInputs } from "../../../src/core/model/inputs.ts";
import type { OnnxModel } from "../../../src/core/onnx/model.ts";
import { raiseOpset } from "../../../src/core/onnx/opset.ts";
import { readModel } from "../../../src/core/onnx/read.ts";
import { modelText } from "../../../src/core/onnx/textModel.ts";
import { allTensors } from "../../../src/core/onnx/walk.ts";
import { modelBytes } from "../../../src/core/onnx/write.ts";
import { analyzeWeights } from "../../../src/core/pipeline/analysis.ts";
import { CandidateWeights, roundToNearest } from "../../../src/core/pipeline/candidates.ts";
import { DeviceFit } from "../../../src/core/pipeline/deviceFit.ts";
import { factsOf } from "../../../src/core/pipeline/facts.ts";
import { activationNames, type PreparedModel, prepareModel } from "../../../src/core/pipeline/prepare.ts";
import { quantizedModel } from "../../../src/core/pipeline/quantizedModel.ts";
import type { Inference } from "../../../src/core/ports.ts";
import { presetSource } from "../../../src/node/profiles.ts";
import { everything } from "../onnx/everything.ts";
import { chainFile } from "../onnx/generated.ts";
import { tinyModel } from "../tinyModel.ts";
import { transformer } from "../transformer.ts";
import { zoo } from "../zoo.ts";
import type { Kind } from "./kinds.ts";
import { mutateBytes, onceIn, oneOf } from "./mutateBytes.ts";
import { mutateProtobuf } from "./mutateProtobuf.ts";

/** ONNX Runtime as it is for most mutated models: it does not take them. Its own parsing is in a process of its own. */
const refusing: Inference = {
  open: async () => {
    throw new SigmaQuantError("SQ6004", "model-refused", "refused", { remedy: "none" });
  },
};

const quantizedBits: readonly Bits[] = [2, 3, 4, 8];

export const modelKind: Kind = {
  name: "models",
  share: 36,
  memoryMiB: 640,
  open: async () => {
    const profile = requireProfile(presetSource.presets("generic") ?? "", { file: "generic", ...presetSource });
    const { small, large } = await seeds(profile);
    return {
      make: (dice) => {
        const seed = onceIn(dice, 10) ? oneOf(dice, large) : oneOf(dice, small);
        if (!onceIn(dice, 4)) return mutateProtobuf(seed, dice);
        // Near the ends: weights, which are most of a file, can be any bytes.
        const places = Array.from({ length: 64 }, () => {
          const from = dice.below(2000);
          return onceIn(dice, 2) ? from : Math.max(0, seed.length - 1 - from);
        });
        return mutateBytes(seed, dice, places);
      },
      use: (bytes) => useModel(bytes, profile),
    };
  },
};

async function seeds(
  profile: HardwareProfile,
): Promise<{ small: readonly Uint8Array[]; large: readonly Uint8Array[] }> {
  const nets = Object.values(zoo).flatMap((net, i) => net(i % 2 === 0 ? 13 : 21) ?? []);
  const models = [...nets, transformer()].map((net) => tinyModel(net));
  const small = [toBinary(ModelProtoSchema, everything()), chainFile(4), chainFile(3, 1024)];
  for (const model of models) {
    small.push(await modelBytes(model));
    small.push(await modelBytes(await quantized(await prepared(model), profile, "mixed")));
  }
  const large = ["test/fixtures/models/resnet8.onnx", "examples/mobilenetv2.onnx"].map((file) =>
    Uint8Array.from(readFileSync(file)),
  );
  const resnet = await readModel(memorySource(large[0] as Uint8Array));
  return { small, large: [...large, await modelBytes(await quantized(await prepared(resnet), profile, 4))] };
}

/** Everything that the program does with a model but running it. */
async function useModel(bytes: Uint8Array, profile: HardwareProfile): Promise<void> {
  const external = async () => memorySource(new Uint8Array(4096));
  const model = await readModel(memorySource(bytes), { openExternal: external, file: "model.onnx" });
  modelText(model);
  // What one tensor has wrong hinders no other.
  for (const tensor of allTensors(model.proto)) await ignoreOurs(() => model.tensors.readFloat32(tensor));
  await ignoreOurs(() => prepareModel(model, { keepBatchNorm: true, requantize: true }));
  await ignoreOurs(async () => samplesOf(model, await prepared(model)));
  await ignoreOurs(async () => {
    const found = await prepared(model);
    factsOf(found);
    await analyzeWeights(found, new CandidateWeights(found, roundToNearest), quantizedBits, () => {});
    await readAgain(await quantized(found, profile, "mixed"));
  });
  await ignoreOurs(async () => raiseOpset(model, 25));
  await readAgain(model);
}

async function readAgain(model: OnnxModel): Promise<void> {
  await readModel(memorySource(await modelBytes(model)));
}

async function ignoreOurs(body: () => Promise<unknown>): Promise<void> {
  try {
    await body();
  } catch (error) {
    if (!(error instanceof SigmaQuantError) || error.code.startsWith("SQ9")) throw error;
  }
}

function prepared(model: OnnxModel): Promise<PreparedModel> {
  return prepareModel(model, { equalize: true, inference: refusing });
}

async function samplesOf(model: OnnxModel, { shapes }: PreparedModel): Promise<void> {
  const inputs = modelInputs(model);
  // Samples may be as large as memory allows; here are the small ones.
  const elements = [...shapes.values()].map((dims) => dims.reduce((all, dim) => all * dim, 1));
  if (elements.some((count) => count > 1e6 && count < 2 ** 28)) return;
  await syntheticDataset(inputs, shapes, 2, 1).batch(0, 2);
}

/** @param bits of every layer; "mixed" gives them different ones */
async function quantized(found: PreparedModel, profile: HardwareProfile, bits: Bits | "mixed"): Promise<OnnxModel> {
  const weights = new CandidateWeights(found, roundToNearest);
  const fit = new DeviceFit({ prepared: found, profile, limits: {}, weightsOnly: false });
  const layers = found.discovery.layers.filter(({ floatReason }) => floatReason === undefined);
  const chosen = new Map(
    layers.map(({ name }, i) => [name, bits === "mixed" ? (quantizedBits[i % quantizedBits.length] as Bits) : bits]),
  );
  fit.budgets(chosen);
  fit.rows(chosen, new Map(), {});
  const activation = { scale: 0.05, zeroPoint: 7, bits: 8 } as const;
  const activations = new Map(activationNames(found).map((name) => [name, activation]));
  return (await quantizedModel(found, weights, chosen, activations, 100, () => {})).model;
}
