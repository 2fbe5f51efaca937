import type { Bits } from "../../../src/core/hardware/profile.ts";
import type { SearchStep, Zone } from "../../../src/core/plan/types.ts";
import type {
  Comparison,
  EditorSnapshot,
  GaugeBudget,
  LayerRow,
  WeightHistogram,
} from "../../../src/protocol/editor.ts";
import { type ExampleLayer, exampleBits, exampleFront, exampleLayers } from "./resnet20.ts";

/** Devices of the example. */
export type ExampleDevice = "gap9" | "max78000";

const kib = 1024;
const supported: Readonly<Record<ExampleDevice, readonly Bits[]>> = {
  gap9: [2, 3, 4, 5, 6, 7, 8],
  max78000: [2, 4, 8],
};
const names: Readonly<Record<ExampleDevice, string>> = { gap9: "GAP9 NE16", max78000: "MAX78000" };

/** Bytes of a layer at some bits: weights, scale and bias by channel, a header. */
function bytesAt(layer: ExampleLayer, bits: number): number {
  const params = layer.shape.reduce((a, b) => a * b, 1);
  return (params * bits) / 8 + 8 * (layer.shape[0] ?? 1) + 20;
}

/** KL of the weights grows as the levels get fewer; SQNR is about 6 dB a bit. */
function weightErrors(layer: ExampleLayer): NonNullable<LayerRow["weightErrors"]> {
  return exampleBits.map((bits, i) => ({
    bits,
    kl: layer.sensitivity?.[i] ?? 0,
    sqnrDb: 6.2 * bits - 6.3,
    mse: layer.sigma ** 2 / 4 ** bits,
  }));
}

function rowOf(layer: ExampleLayer, device: ExampleDevice): LayerRow {
  const [bits, ms, uJ] = layer[device];
  const isFloat = bits === 0;
  const { sensitivity } = layer;
  const allowed = exampleBits.filter((b) => supported[device].includes(b));
  return {
    name: layer.name,
    opType: layer.opType,
    weightShape: layer.shape,
    params: layer.shape.reduce((a, b) => a * b, 1),
    macs: layer.macs,
    sigma: layer.sigma,
    weightBits: isFloat ? null : (bits as Bits),
    activationBits: isFloat ? null : 8,
    pinned: layer.name === "layer3.0.conv1",
    allowedBits: isFloat ? [] : allowed,
    bytes: isFloat ? 2181 : bytesAt(layer, bits),
    latencyS: ms / 1e3,
    energyJ: uJ / 1e6,
    bops: isFloat ? 0 : layer.macs * bits * 8,
    ...(sensitivity === undefined
      ? {
          floatReason: device === "gap9" ? "no MatMul on NE16" : "MatMul runs on the CPU",
          floatDetail: "The accelerator has no matrix product: this layer stays in float32 and runs on the CPU.",
        }
      : {
          weightErrors: weightErrors(layer),
          sensitivity: Object.fromEntries(exampleBits.map((b, i) => [b, sensitivity[i]])),
          bytesByBits: Object.fromEntries(exampleBits.map((b) => [b, bytesAt(layer, b)])),
        }),
  };
}

function budgetsOf(rows: readonly LayerRow[], bops: number): readonly GaugeBudget[] {
  const sum = (pick: (row: LayerRow) => number | undefined): number => rows.reduce((a, row) => a + (pick(row) ?? 0), 0);
  const budget = (name: GaugeBudget["name"], unit: GaugeBudget["unit"], use: number, limit: number): GaugeBudget => ({
    name,
    unit,
    use,
    limit,
    profileLimit: limit,
  });
  return [
    budget(
      "weightMemory",
      "B",
      sum((r) => r.bytes),
      32 * kib,
    ),
    budget("activationMemory", "B", 24 * kib, 40 * kib),
    budget(
      "latency",
      "s",
      sum((r) => r.latencyS),
      5e-3,
    ),
    budget(
      "energy",
      "J",
      sum((r) => r.energyJ),
      250e-6,
    ),
    budget("bops", "bitops", bops, 400e6),
  ];
}

// biome-ignore format: a table of figures reads better as one
const path: readonly (readonly [kib: number, drop: number, zone: Zone])[] = [
  [72, 0, "bit-decrease"], [52, 0.0005, "bit-decrease"], [44, 0.002, "bit-decrease"], [36, 0.006, "bit-decrease"],
  [33.4, 0.009, "transition"], [30.1, 0.016, "abandon"], [31.6, 0.011, "bit-increase"], [30.6, 0.008, "target"], [31.2, 0.004, "target"],
];

const trace: readonly SearchStep[] = path.map(([size, drop, zone], step) => ({
  phase: step < 3 ? 1 : 2,
  step,
  zone,
  changes: step === 0 ? [] : [{ layer: exampleLayers[step]?.name ?? "", from: 4, to: 2 }],
  drop,
  pressure: size / 32,
  weightMemory: size * kib,
  kept: zone !== "abandon",
}));

/** The design's screen: ResNet-20 on a device, all measured, everything fits. */
export function exampleSnapshot(device: ExampleDevice = "gap9"): EditorSnapshot {
  const layers = exampleLayers.map((layer) => rowOf(layer, device));
  const top1 = (quantized: number) =>
    ({ metric: "top1", float: 0.889, quantized, samples: 2000, how: "measured" }) as const;
  const budgets = budgetsOf(layers, device === "gap9" ? 362e6 : 358e6);
  return {
    sequence: 1,
    fileName: "resnet20-w8.onnx",
    trusted: true,
    model: {
      opset: 17,
      irVersion: 8,
      producer: "pytorch",
      layers: layers.length,
      params: layers.reduce((a, row) => a + row.params, 0),
      macs: layers.reduce((a, row) => a + (row.macs ?? 0), 0),
      floatBytes: 267.6 * kib,
      floatType: "float32",
      assumed: [{ input: "input", axis: 0, name: "N", value: 1 }],
      notes: [],
    },
    profiles: [
      { id: "devices/gap9.hwprofile.json", label: "GAP9 NE16", kind: "workspace" },
      { id: "devices/max78000.hwprofile.json", label: "MAX78000", kind: "workspace" },
      { id: "preset:cortex-m7", label: "Cortex-M7, CMSIS-NN", kind: "preset" },
    ],
    profile: {
      id: `devices/${device}.hwprofile.json`,
      name: names[device],
      weightBits: supported[device],
      maxDrop: 0.01,
    },
    sampleSets: [{ id: "data/cifar10-calib.npz", label: "cifar10-calib.npz", kind: "workspace" }],
    calibration: {
      id: "data/cifar10-calib.npz",
      label: "cifar10-calib.npz",
      samples: 256,
      hasLabels: false,
      synthetic: false,
    },
    evaluation: {
      id: "data/cifar10-eval.npz",
      label: "cifar10-eval.npz",
      samples: 2000,
      hasLabels: true,
      synthetic: false,
    },
    strategy: "sigmaquant",
    maxDrop: 0.01,
    bits: exampleBits,
    metric: "kl",
    synthetic: false,
    notices: [],
    verdict: { verdict: "feasible", headline: "Fits, −0.4 points", detail: "measured on 2,000 samples" },
    accuracy: top1(0.885),
    remedies: [],
    budgets,
    layers,
    pareto: {
      points: exampleFront.map(([weightMemory, drop]) => ({ weightMemory, loss: drop * 60, drop })),
      chosen: { weightMemory: budgets[0]?.use ?? 0, loss: 0.24, drop: 0.004 },
      baselines: [
        { bits: 2, weightMemory: 22.2 * kib, fits: false, loss: 3.2, accuracy: top1(0.747) },
        { bits: 4, weightMemory: 38.8 * kib, fits: false, loss: 0.2, accuracy: top1(0.884) },
        { bits: 8, weightMemory: 72 * kib, fits: false, loss: 0.002, accuracy: top1(0.8888) },
      ],
    },
    trace,
    traceSeconds: 31,
    abandonDrop: 0.016,
    certificate: { loss: 0.24, optimum: 0.231, bound: 0.231, gap: 0.038 },
    hasPlan: true,
  };
}

/** The example with changes, as the next snapshot of the same document. */
export function next(snapshot: EditorSnapshot, change: Partial<EditorSnapshot>): EditorSnapshot {
  return { ...snapshot, ...change, sequence: snapshot.sequence + 1 };
}

/** Leaves members out of a snapshot: what is not known yet is not there. */
export function without<K extends keyof EditorSnapshot>(
  snapshot: EditorSnapshot,
  ...keys: readonly K[]
): EditorSnapshot {
  const copy: Partial<EditorSnapshot> = { ...snapshot };
  for (const key of keys) delete copy[key];
  return copy as EditorSnapshot;
}

/** Rows without what a run or a plan gives. */
export function bareLayers(
  snapshot: EditorSnapshot,
  keep: { readonly sigma?: boolean; readonly weights?: boolean; readonly measured?: number } = {},
): readonly LayerRow[] {
  return snapshot.layers.map((row, i) => {
    const { name, opType, weightShape, params, macs, pinned, allowedBits, floatReason, floatDetail } = row;
    const measured = i < (keep.measured ?? 0);
    return {
      name,
      opType,
      weightShape,
      params,
      pinned: pinned && false,
      allowedBits,
      ...(macs === undefined ? {} : { macs }),
      ...(floatReason === undefined ? {} : { floatReason }),
      ...(floatDetail === undefined ? {} : { floatDetail }),
      ...(keep.sigma && row.sigma !== undefined ? { sigma: row.sigma } : {}),
      ...(keep.weights && row.weightErrors !== undefined ? { weightErrors: row.weightErrors } : {}),
      ...(measured && row.sensitivity !== undefined ? { sensitivity: row.sensitivity } : {}),
    };
  });
}

/** A model with many layers: the example's, over and over, under other names. */
export function largeSnapshot(count: number): EditorSnapshot {
  const base = exampleSnapshot();
  const layers = Array.from({ length: count }, (_, i): LayerRow => {
    const row = base.layers[i % base.layers.length] as LayerRow;
    return { ...row, name: `block${Math.floor(i / 23)}.${row.name}` };
  });
  return { ...base, layers, model: base.model && { ...base.model, layers: count } } as EditorSnapshot;
}

/** The weights of a layer of the example, bell-shaped. */
export function exampleHistogram(layer: string): WeightHistogram {
  const sigma = exampleLayers.find((l) => l.name === layer)?.sigma ?? 0.05;
  const [bins, max] = [61, 0.2];
  const counts = Array.from({ length: bins }, (_, i) => {
    const x = -max + ((i + 0.5) * 2 * max) / bins;
    return Math.round(490 * Math.exp(-0.5 * (x / sigma) ** 2) + 3 + (i % 3));
  });
  const levels = (bits: number): readonly number[] => {
    const most = 2 ** (bits - 1) - 1;
    const scale = bits === 2 ? 0.105 : 0.172 / most;
    return Array.from({ length: 2 * most + 1 }, (_, i) => (i - most) * scale);
  };
  return {
    layer,
    min: -max,
    max,
    counts,
    sigma,
    channels: 32,
    levels: { 2: levels(2), 4: levels(4), 8: levels(8) },
    clipped: { 2: 0.021, 4: 0.004, 8: 0 },
  };
}

/** What came out of the example's run on MAX78000. */
export function exampleComparison(): Comparison {
  const { budgets } = exampleSnapshot("max78000");
  const uses = (weight: number, ms: number | undefined, uJ: number | undefined, bops: number, activation = 24) => ({
    weightMemory: weight * kib,
    activationMemory: activation * kib,
    bops,
    ...(ms === undefined ? {} : { latency: ms / 1e3 }),
    ...(uJ === undefined ? {} : { energy: uJ / 1e6 }),
  });
  return {
    source: "resnet20-w8.onnx",
    quantized: "resnet20-w8.max78000.onnx",
    profileName: "MAX78000",
    seconds: 48,
    verdict: { verdict: "feasible", headline: "Fits, −0.4 points", detail: "measured on 2,000 samples" },
    budgets,
    columns: [
      {
        kind: "float",
        title: "Float",
        subtitle: "float32",
        top1: 0.889,
        top5: 0.996,
        fileBytes: 271.4 * kib,
        uses: uses(267.6, undefined, undefined, 10.6e9, 96),
      },
      {
        kind: "quantized",
        title: "Quantized",
        subtitle: "3.1 bits",
        top1: 0.885,
        top5: 0.995,
        agreement: 0.948,
        kl: 0.027,
        fileBytes: 44.9 * kib,
        uses: uses(31.2, 3.65, 206, 358e6),
        verdict: "fits",
      },
      {
        kind: "baseline",
        title: "Uniform 8",
        subtitle: "baseline",
        top1: 0.889,
        top5: 0.996,
        agreement: 0.997,
        kl: 0.0001,
        fileBytes: 86 * kib,
        uses: uses(72, 4.98, 341, 660e6),
        verdict: "doesNotFit",
      },
      {
        kind: "baseline",
        title: "Uniform 4",
        subtitle: "baseline",
        top1: 0.884,
        top5: 0.995,
        agreement: 0.939,
        kl: 0.031,
        fileBytes: 52.6 * kib,
        uses: uses(38.8, 3.53, 204, 330e6),
        verdict: "doesNotFit",
      },
      {
        kind: "baseline",
        title: "Uniform 2",
        subtitle: "baseline",
        top1: 0.747,
        top5: 0.968,
        agreement: 0.771,
        kl: 0.684,
        fileBytes: 35.8 * kib,
        uses: uses(22.2, 2.81, 136, 165e6),
        verdict: "lossTooHigh",
      },
    ],
    outputs: [
      { name: "logits", shape: "N×10", sqnrDb: 24.6, maxError: 1.83 },
      { name: "features", shape: "N×32", sqnrDb: 21.9, maxError: 0.74 },
    ],
    changed: { rightToWrong: 39, wrongToRight: 31, wrongBoth: 34, samples: 2000 },
    files: [
      { path: "resnet20-w8.max78000.onnx", bytes: 44.9 * kib },
      { path: "resnet20-w8.sigmaquant.json", bytes: 9.1 * kib },
      { path: "resnet20-w8.max78000.report.md", bytes: 6.4 * kib },
      { path: "resnet20-w8.max78000.report.csv", bytes: 3 * kib },
    ],
    notes: [
      "Uniform 2 fits the memory but loses 14.2 points; the target is −1.0",
      "No latency or energy is given for float: the profile has no float32 figures",
    ],
  };
}
