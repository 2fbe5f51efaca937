import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { root } from "../../../scripts/lib/run.mjs";
import type { Bits } from "../../../src/core/hardware/profile.ts";
import { quantizableSites } from "../../../src/core/model/discover.ts";
import { modelInputs } from "../../../src/core/model/inputs.ts";
import { activationQuantizations, calibrate } from "../../../src/core/pipeline/calibrate.ts";
import { CandidateWeights, roundToNearest } from "../../../src/core/pipeline/candidates.ts";
import { MixEvaluator } from "../../../src/core/pipeline/mix.ts";
import { activationNames, type PreparedModel, prepareModel } from "../../../src/core/pipeline/prepare.ts";
import type { ActivationMap } from "../../../src/core/qdq/types.ts";
import { collectHessians } from "../../../src/core/recovery/hessians.ts";
import type { RecoveryMethod } from "../../../src/core/recovery/methods.ts";
import { recoveryQuantizer } from "../../../src/core/recovery/quantizer.ts";
import { RecoveredWeights } from "../../../src/core/recovery/recoveredWeights.ts";
import { roundInSequence } from "../../../src/core/recovery/sequential.ts";
import type { WeightSource } from "../../../src/core/sensitivity/layerValues.ts";
import { openDataset } from "../../../src/node/openData.ts";
import { openModelFile } from "../../../src/node/openModel.ts";
import { inference, noisy } from "../../support/ortRun.ts";
import { noise, tinyModel } from "../../support/tinyModel.ts";
import { zoo } from "../../support/zoo.ts";
import { samplesOf } from "../pipeline/support.ts";

const calibrationSamples = 64;
const running = { batch: 32, threads: 1 };
const methods: ReadonlySet<RecoveryMethod> = new Set(["clip", "bias", "gptq", "coordinate"]);
const quiet = () => {};

/** A network for the images of examples/, with some to calibrate on and others to look at the result with. */
async function open(file: string) {
  const opened = await openModelFile(path.join(root, file));
  onTestFinished(() => opened.close());
  const prepared = await prepareModel(opened.model, { inference });
  const inputs = modelInputs(opened.model);
  const [calibration, evaluation] = await Promise.all(
    ["calibration", "evaluation"].map((name) => openDataset(path.join(root, `examples/${name}.npz`), inputs)),
  );
  if (calibration === undefined || evaluation === undefined) throw new Error("no samples");
  onTestFinished(() => Promise.all([calibration.close(), evaluation.close()]).then(() => {}));
  const hessians = await collectHessians(
    prepared,
    calibration,
    inference,
    { ...running, samples: calibrationSamples },
    quiet,
  );
  return { prepared, calibration, evaluation, hessians };
}

type Opened = Awaited<ReturnType<typeof open>>;

function uniform(prepared: PreparedModel, bits: Bits | null): Map<string, Bits | null> {
  return new Map(quantizableSites(prepared.discovery).map(({ layer }) => [layer.name, bits]));
}

/** KL divergence of the class probabilities on samples that nothing was calibrated on. */
async function klOf(
  { prepared, evaluation }: Opened,
  weights: WeightSource,
  bits: ReadonlyMap<string, Bits | null>,
  activations: ActivationMap = new Map(),
): Promise<number> {
  const options = { inference, weights, activations, samples: 256, ...running };
  const evaluator = await MixEvaluator.open(prepared, evaluation, options, quiet);
  try {
    return (await evaluator.evaluate(bits)).kl ?? Number.NaN;
  } finally {
    await evaluator.close();
  }
}

async function inSequence(
  { prepared, calibration }: Opened,
  weights: CandidateWeights,
  bits: ReadonlyMap<string, Bits | null>,
  activations: ActivationMap = new Map(),
) {
  const input = { prepared, bits, weights, activations, dataset: calibration, inference, methods };
  return roundInSequence({ ...input, samples: calibrationSamples, ...running }, quiet);
}

describe.each(["test/fixtures/models/resnet8.onnx", "examples/mobilenetv2.onnx"])("recovery of %s", (file) => {
  it.each([3, 4] as const)(
    "brings the output of uniform %d bits far nearer to the float network's, in sequence nearer still",
    async (bits) => {
      const opened = await open(file);
      const { prepared, hessians } = opened;
      const plan = uniform(prepared, bits);
      const plain = await klOf(opened, new CandidateWeights(prepared, roundToNearest), plan);
      const candidates = new CandidateWeights(prepared, recoveryQuantizer(methods, hessians));
      const recovered = await klOf(opened, candidates, plan);
      const made = await inSequence(opened, candidates, plan);
      const sequential = await klOf(opened, new RecoveredWeights(candidates, prepared.discovery.sites, made), plan);
      expect(recovered).toBeLessThan(plain / 3);
      expect(sequential).toBeLessThan(recovered);
      expect(made.size).toBe(plan.size);
    },
  );

  it("makes up for the rounding of activations too", async () => {
    const opened = await open(file);
    const { prepared, hessians, calibration } = opened;
    const observed = await calibrate(prepared, calibration, inference, { ...running, samples: 64 }, quiet);
    const activations = activationQuantizations(observed, activationNames(prepared), 4, "mse");
    const plan = uniform(prepared, 8);
    const candidates = new CandidateWeights(prepared, recoveryQuantizer(methods, hessians));
    const before = await klOf(opened, candidates, plan, activations);
    const made = await inSequence(opened, candidates, plan, activations);
    const after = await klOf(
      opened,
      new RecoveredWeights(candidates, prepared.discovery.sites, made),
      plan,
      activations,
    );
    expect(after).toBeLessThan(before);
  });
});

describe("rounding in sequence", () => {
  it("leaves layers in float as they are, and is the same each time", async () => {
    const opened = await open("test/fixtures/models/resnet8.onnx");
    const { prepared, hessians } = opened;
    const plan = uniform(prepared, 3);
    const [first = ""] = plan.keys();
    plan.set(first, null);
    const candidates = new CandidateWeights(prepared, recoveryQuantizer(methods, hessians));
    const made = await inSequence(opened, candidates, plan);
    expect(made.has(first)).toBe(false);
    expect(made.size).toBe(plan.size - 1);
    expect(await inSequence(opened, candidates, plan)).toEqual(made);
    const weights = new RecoveredWeights(candidates, prepared.discovery.sites, made);
    const [, second = ""] = plan.keys();
    expect(await weights.quantizedLayer(second, 3)).toBe(made.get(second));
    // Found for 3 bits: at others the candidates stand.
    expect(await weights.quantizedLayer(second, 4)).toEqual(await candidates.quantizedLayer(second, 4));
  });

  it("stops when cancelled", async () => {
    const { prepared, calibration, hessians } = await open("test/fixtures/models/resnet8.onnx");
    const weights = new CandidateWeights(prepared, recoveryQuantizer(methods, hessians));
    const controller = new AbortController();
    const input = { prepared, bits: uniform(prepared, 3), weights, activations: new Map(), dataset: calibration };
    const stopped = roundInSequence(
      { ...input, inference, methods, samples: 64, ...running },
      ({ done }) => {
        if (done === 2) controller.abort(new Error("enough"));
      },
      controller.signal,
    );
    await expect(stopped).rejects.toThrow("enough");
  });
});

describe("every form of layer", () => {
  it.each(Object.keys(zoo))(
    "has no larger output error than rounded to nearest, and none that breaks: %s",
    async (name) => {
      const net = zoo[name]?.(name.startsWith("withdrawn") ? 9 : 17);
      if (net === undefined) throw new Error("no such net");
      const prepared = await prepareModel(tinyModel({ ...net, opset: name.startsWith("withdrawn") ? 9 : 17 }), {
        inference,
      });
      const [x = []] = Object.values(net.inputs);
      const size = x.reduce((a, b) => a * b, 1);
      // One sample is the whole input: these networks have fixed sizes.
      const rows = Array.from({ length: 16 }, (_, i) => noise(size, i + 1));
      const set = {
        ...samplesOf("x", rows, x),
        batch: async (from: number) => ({
          feeds: { x: { ...noisy(x), data: rows[from] as Float32Array } },
          samples: 1,
        }),
      };
      const hessians = await collectHessians(prepared, set, inference, { samples: 16, ...running }, quiet);
      const plan = uniform(prepared, 3);
      const errorOf = async (weights: WeightSource) => {
        const evaluator = await MixEvaluator.open(
          prepared,
          set,
          { inference, weights, activations: new Map(), samples: 16, ...running },
          quiet,
        );
        try {
          return (await evaluator.evaluate(plan)).nmse;
        } finally {
          await evaluator.close();
        }
      };
      const plain = await errorOf(new CandidateWeights(prepared, roundToNearest));
      const candidates = new CandidateWeights(prepared, recoveryQuantizer(methods, hessians));
      const input = {
        prepared,
        bits: plan,
        weights: candidates,
        activations: new Map(),
        dataset: set,
        inference,
        methods,
      };
      const made = await roundInSequence({ ...input, samples: 16, ...running }, quiet);
      const recovered = await errorOf(new RecoveredWeights(candidates, prepared.discovery.sites, made));
      expect(recovered).toBeLessThanOrEqual(plain);
    },
  );
});
