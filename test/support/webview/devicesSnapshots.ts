import { type Bits, type Resource, resources } from "../../../src/core/hardware/profile.ts";
import type { Accuracy, BudgetUse, Verdict } from "../../../src/core/plan/types.ts";
import type { ComparedDevice, DeviceRow, DevicesSnapshot } from "../../../src/protocol/devices.ts";
import { exampleLayers } from "./resnet20.ts";

const units = { weightMemory: "B", activationMemory: "B", latency: "s", energy: "J", bops: "bitops" } as const;

/** Use and limit in the units of people: KiB, KiB, ms, µJ. */
type Figure = readonly [use: number | undefined, limit?: number];
const sizes: Readonly<Record<Resource, number>> = {
  weightMemory: 1024,
  activationMemory: 1024,
  latency: 1e-3,
  energy: 1e-6,
  bops: 1e6,
};

export function budgets(figures: Readonly<Partial<Record<Resource, Figure>>>): readonly BudgetUse[] {
  return resources.map((name) => {
    const [use, limit] = figures[name] ?? [undefined];
    const size = sizes[name];
    return {
      name,
      unit: units[name],
      ...(use !== undefined && { use: use * size }),
      ...(limit !== undefined && { limit: limit * size }),
    };
  });
}

interface Example {
  readonly device: ComparedDevice;
  readonly bits: readonly (Bits | null)[];
  readonly average: number;
  readonly figures: Readonly<Partial<Record<Resource, Figure>>>;
  readonly drop: number;
  readonly how: Accuracy["how"];
}

const layers = 23;
const all = (bits: Bits): readonly (Bits | null)[] =>
  Array.from({ length: layers }, (_, i) => (i === 21 ? null : bits));

const device = (id: string, name: string, weightBits: readonly Bits[]): ComparedDevice => ({
  id: `file:///project/${id}.hwprofile.json`,
  name,
  kind: "workspace",
  weightBits,
});

/** The devices of the design's picture, with its figures. */
const examples: readonly Example[] = [
  {
    device: device("stm32n6", "STM32N6", [8]),
    bits: all(8),
    average: 8,
    figures: { weightMemory: [72, 512], activationMemory: [24, 256], latency: [0.4, 1] },
    drop: 0,
    how: "simulated",
  },
  {
    device: device("hailo-8", "Hailo-8", [4, 8]),
    bits: all(8).map((b, i) => (b !== null && (i === 15 || i === 17) ? 4 : b)),
    average: 6.9,
    figures: { weightMemory: [63, 64], activationMemory: [24, 40] },
    drop: 0,
    how: "expected",
  },
  {
    device: device("gap9", "GAP9, NE16", [2, 3, 4, 5, 6, 7, 8]),
    bits: all(8).map((b, i) => (b === null || i < 8 || i === 9 ? b : i < 15 || i === 20 ? 6 : 4)),
    average: 5.1,
    figures: { weightMemory: [47.8, 48], activationMemory: [24, 40], latency: [1.36, 2], energy: [82, 100] },
    drop: 0.001,
    how: "simulated",
  },
  {
    device: device("max78000", "MAX78000", [2, 4, 8]),
    bits: exampleLayers.map(({ max78000: [bits] }) => (bits === 0 ? null : (bits as Bits))),
    average: 3.1,
    figures: { weightMemory: [31.2, 32], activationMemory: [24, 40], latency: [3.65, 5], energy: [206, 250] },
    drop: 0.004,
    how: "simulated",
  },
  {
    device: device("shift-add", "Shift-add 8×n, 28 nm", [2, 4, 6, 8]),
    bits: all(6).map((b, i) => (b === null ? b : i === 0 || i === 22 ? 8 : i > 14 ? 2 : i > 7 ? 4 : 6)),
    average: 3.1,
    figures: { weightMemory: [31.4, 32], activationMemory: [24, 40], latency: [2.28, 4], energy: [42, 60] },
    drop: 0.004,
    how: "simulated",
  },
  {
    device: device("cortex-m7", "Cortex-M7, CMSIS-NN", [4, 8]),
    bits: all(4),
    average: 4,
    figures: { weightMemory: [39.1, 32], activationMemory: [24, 40], latency: [9.28, 12], energy: [559, 800] },
    drop: 0.005,
    how: "expected",
  },
];

export const exampleModel = {
  uri: "file:///project/resnet20-w8.onnx",
  name: "resnet20-w8.onnx",
  layers,
  float: { top1: 0.889, samples: 2000 },
} as const;

function rowOf({ device: { id }, bits, average, figures, drop, how }: Example): DeviceRow {
  const used = budgets(figures);
  const over = used.filter(({ use, limit }) => use !== undefined && limit !== undefined && use > limit);
  const verdict: Verdict =
    over.length === 0
      ? { verdict: "feasible", headline: "Fits, −0.4 points", detail: "simulated on 2,000 samples" }
      : {
          verdict: "infeasible",
          headline: "Does not fit: weight memory is 7.1 KiB over",
          detail: "The smallest plan with the allowed bits (4, 8) needs 39.1 KiB of 32 KiB.",
          binding: "weightMemory",
          nearest: { budgets: used, remedy: "Raise the budget of weight memory to 39.1 KiB" },
        };
  return {
    model: exampleModel.uri,
    device: id,
    state: how === "expected" ? "expected" : "run",
    figures: {
      verdict,
      bits,
      averageBits: average,
      budgets: used,
      accuracy: { metric: "top1", float: 0.889, quantized: 0.889 - drop, samples: 2000, how },
      loss: drop,
    },
    inUse: id.includes("max78000"),
    notes: [],
  };
}

let sequence = 0;

/** The comparison of the design's picture. */
export function exampleDevices(more: Partial<DevicesSnapshot> = {}): DevicesSnapshot {
  return {
    sequence: ++sequence,
    models: [exampleModel],
    devices: examples.map((example) => example.device),
    rows: examples.map(rowOf),
    notices: [],
    runnable: 2,
    ...more,
  };
}

/** A row of the example, changed. */
export function withRow(snapshot: DevicesSnapshot, name: string, more: Partial<DeviceRow>): DevicesSnapshot {
  const { id } = snapshot.devices.find((each) => each.name === name) ?? { id: "" };
  return {
    ...snapshot,
    sequence: ++sequence,
    rows: snapshot.rows.map((row) => (row.device === id ? { ...row, ...more } : row)),
  };
}

/** Nothing is known yet but what is compared. */
export function waitingDevices(): DevicesSnapshot {
  const snapshot = exampleDevices();
  return {
    ...snapshot,
    models: [{ ...exampleModel, layers: 0 }],
    rows: snapshot.rows.map(({ model, device: id, inUse }) => ({
      model,
      device: id,
      state: "waiting",
      inUse,
      notes: [],
    })),
    runnable: 0,
    work: {
      model: exampleModel.uri,
      step: {
        kind: "analyze",
        stage: "Measuring",
        done: 41,
        total: 110,
        note: "layer2.1.conv1 at 3 bits",
        secondsLeft: 12,
      },
      settled: 0,
    },
  };
}
