import { describe, expect, it } from "vitest";
import type { Bits } from "../../../src/core/hardware/profile.ts";
import { DeviceFit } from "../../../src/core/pipeline/deviceFit.ts";
import { decideMatrix, type MatrixCell, type MatrixDevice } from "../../../src/core/pipeline/matrix.ts";
import { sharedBaselines } from "../../../src/core/pipeline/sharedBaselines.ts";
import { figuresOfPlan, layersByBits } from "../../../src/core/plan/deviceFigures.ts";
import type { Inference, Progress } from "../../../src/core/ports.ts";
import { loadProfile } from "../../../src/node/profiles.ts";
import { inference } from "../../support/ortRun.ts";
import { decide, openResnet8, type Resnet8, settings } from "./support.ts";

/** Between what uniform 3 and uniform 4 bits take. */
const weightMemory = 36_000;

async function device(name: string, more: Partial<MatrixDevice> = {}): Promise<MatrixDevice> {
  const { profile } = await loadProfile(name);
  return { id: `preset:${name}`, profile, limits: { weightMemory }, settings: settings(), ...more };
}

async function compare(
  model: Resnet8,
  devices: readonly MatrixDevice[],
  accuracy: "simulated" | "expected" = "simulated",
  more: {
    readonly onProgress?: (progress: Progress) => void;
    readonly onMeasured?: (layer: string, bits: Bits) => void;
    readonly onCell?: (cell: MatrixCell) => void;
    readonly signal?: AbortSignal;
    readonly inference?: Inference;
  } = {},
): Promise<readonly MatrixCell[]> {
  const { onProgress = () => {}, signal, ...told } = more;
  return decideMatrix(
    {
      prepared: model.prepared,
      modelName: "resnet8.onnx",
      modelHash: "0",
      weights: model.weights,
      calibration: await model.images(0, 32),
      inference,
      devices,
      accuracy,
      ...told,
    },
    onProgress,
    signal,
  );
}

describe("one model on several devices", () => {
  it("gets on each the plan that it gets there alone", async () => {
    const model = await openResnet8();
    const devices = [await device("generic"), await device("max78000")];
    const cells = await compare(model, devices);
    expect(cells.map(({ device: { id } }) => id)).toEqual(["preset:generic", "preset:max78000"]);
    for (const [i, { profile, limits }] of devices.entries()) {
      const alone = await decide(model, { input: { profile, limits } });
      expect(cells[i]?.figures).toEqual(figuresOfPlan(alone.plan));
    }
    expect(cells[0]?.figures?.accuracy?.how).toBe("simulated");
    expect(cells.flatMap(({ notes }) => notes).join()).not.toContain("Uniform");
  });

  it("is measured once at each bitwidth for all of them", async () => {
    const measured: string[] = [];
    const devices = [await device("max78000"), await device("generic"), await device("shift-add")];
    await compare(await openResnet8(), devices, "simulated", {
      onMeasured: (layer, bits) => void measured.push(`${layer} ${bits}`),
    });
    // Ten layers at 2 to 8 bits.
    expect(measured).toHaveLength(70);
    expect(new Set(measured).size).toBe(70);
  });

  it("has its uniform bitwidths run once where they are the same on two", async () => {
    const runs = new Map<string, number>();
    let at = "";
    const counting: Inference = {
      async open(bytes, options) {
        const session = await inference.open(bytes, options);
        return {
          ...session,
          run: (feeds, fetches) => {
            runs.set(at, (runs.get(at) ?? 0) + 1);
            return session.run(feeds, fetches);
          },
          close: () => session.close(),
        };
      },
    };
    const devices = [await device("max78000"), await device("generic")];
    await compare(await openResnet8(), devices, "simulated", {
      inference: counting,
      onProgress: ({ stage, note }) => {
        at = `${note?.split(":")[0]} ${stage}`;
      },
    });
    const [coarse, generic] = devices.map(({ profile }) => runs.get(`${profile.name} Baselines`));
    // The three bitwidths of the first and its plan; of the other's seven the four that the first has not, and its plan.
    expect([coarse, generic]).toEqual([4, 5]);
  });

  it("is told of device by device", async () => {
    const told: string[] = [];
    await compare(await openResnet8(), [await device("generic"), await device("max78000")], "simulated", {
      onCell: ({ device: { id } }) => void told.push(id),
    });
    expect(told).toEqual(["preset:generic", "preset:max78000"]);
  });

  it("that it can't be laid on has a problem and no figures, and the others are decided", async () => {
    const pins = new Map<string, Bits | null>([["/f/Gemm", 3]]);
    const devices = [
      await device("max78000", { settings: settings({ pins }) }),
      await device("generic", { settings: settings({ pins }) }),
    ];
    const [max78000, generic] = await compare(await openResnet8(), devices);
    expect(max78000?.problem?.code).toBe("SQ5202");
    expect(max78000?.figures).toBeUndefined();
    expect(generic?.figures?.bits.at(-1)).toBe(3);
  });

  it("where nothing fits is told by how much, with the nearest point", async () => {
    const [cell] = await compare(await openResnet8(), [await device("generic", { limits: { weightMemory: 9_000 } })]);
    expect(cell?.figures?.verdict).toMatchObject({ verdict: "infeasible", binding: "weightMemory" });
    expect([...(layersByBits(cell?.figures?.bits ?? []).keys() ?? [])]).toEqual([2]);
  });

  it("can be stopped between two of them", async () => {
    const controller = new AbortController();
    const told: string[] = [];
    const stopped = compare(await openResnet8(), [await device("generic"), await device("max78000")], "simulated", {
      signal: controller.signal,
      onCell: ({ device: { id } }) => {
        told.push(id);
        controller.abort(new Error("stopped"));
      },
    });
    await expect(stopped).rejects.toThrow("stopped");
    expect(told).toEqual(["preset:generic"]);
  });
});

describe("expected figures", () => {
  it("are the solver's, with accuracies told from uniform bitwidths", async () => {
    const stages = new Set<string>();
    const cells = await compare(
      await openResnet8(),
      [await device("generic"), await device("max78000"), await device("generic", { id: "roomy", limits: {} })],
      "expected",
      { onProgress: ({ stage }) => void stages.add(stage) },
    );
    expect(cells.map(({ figures }) => figures?.accuracy?.how)).toEqual(["expected", "expected", "expected"]);
    for (const { figures } of cells) expect(figures?.verdict.headline).toMatch(/^Fits, .*expected$/);
    const [narrow, coarse, roomy] = cells.map(({ figures }) => figures);
    // The same budget with fewer bitwidths to choose from costs no less harm; without a budget there is hardly any.
    expect(coarse?.loss).toBeGreaterThanOrEqual(narrow?.loss ?? 1);
    expect(roomy?.loss).toBeLessThan(narrow?.loss ?? 0);
    expect(roomy?.averageBits).toBe(8);
    expect(stages).not.toContain("Searching");
  });

  it("miss an accuracy target that they would miss when run", async () => {
    const strict = settings({ dropLimit: { points: 0 } });
    const [cell] = await compare(
      await openResnet8(),
      [await device("generic", { limits: { weightMemory: 24_000 }, settings: strict })],
      "expected",
    );
    expect(cell?.figures?.verdict).toMatchObject({ verdict: "infeasible", binding: "accuracy" });
  });
});

describe("baselines of another device", () => {
  const baselines = ([2, 3, 4, 8] as const).map((bits) => ({ bits, weightMemory: 0, fits: true }));
  const fitOn = async (name: string, more: Partial<MatrixDevice["profile"]> = {}): Promise<DeviceFit> => {
    const { prepared } = await openResnet8();
    const { profile } = await loadProfile(name);
    return new DeviceFit({ prepared, profile: { ...profile, ...more }, limits: {}, weightsOnly: false });
  };

  it("hold where they give each layer the same bits", async () => {
    const held = sharedBaselines(await fitOn("generic"), baselines, await fitOn("max78000"));
    expect(held.map(({ bits }) => bits)).toEqual([2, 4, 8]);
  });

  it("do not hold where a layer stays in float, or activations are of another width", async () => {
    const generic = await fitOn("generic");
    const noGemm = await fitOn("generic", { operators: { Gemm: { float: true } } });
    expect(sharedBaselines(generic, baselines, noGemm)).toEqual([]);
    const wide = await fitOn("generic", { activationBits: [16] });
    expect(sharedBaselines(generic, baselines, wide)).toEqual([]);
  });
});
