import { describe, expect, it } from "vitest";
import type { DeviceRow } from "../../src/protocol/devices.ts";
import { barsFor, stripLabel } from "../../webview/devices/bitBars.ts";
import { nextSort, sorted } from "../../webview/devices/columns.ts";
import {
  bitsText,
  budgetOf,
  budgetTexts,
  columnScale,
  lossTexts,
  lossUnit,
  rowsOf,
  type ShownRow,
  verdictText,
} from "../../webview/devices/figures.ts";
import { budgets, exampleDevices } from "../support/webview/devicesSnapshots.ts";

const [example] = rowsOf(exampleDevices());

function row(figures: Partial<NonNullable<DeviceRow["figures"]>>, more: Partial<DeviceRow> = {}): ShownRow {
  if (!example?.row.figures) throw new Error("the example has figures");
  return { ...example, row: { ...example.row, figures: { ...example.row.figures, ...figures }, ...more } };
}

const memory = (...figure: readonly [use: number, limit?: number]) =>
  row({ budgets: budgets({ weightMemory: figure }) });

describe("a column of budgets", () => {
  it("has one unit, that of its largest use", () => {
    expect(columnScale([memory(72), memory(31.2)], "weightMemory")).toMatchObject({
      scale: { label: "KiB" },
      decimals: 1,
    });
    expect(columnScale([memory(31.2), memory(4096)], "weightMemory")?.scale.label).toBe("MiB");
  });

  it("has the unit of the smallest where the largest is a thousand times that: 0.0 would say nothing", () => {
    expect(columnScale([memory(2), memory(40_960)], "weightMemory")?.scale.label).toBe("KiB");
  });

  it("stays in milliseconds for times far apart, with decimals that tell the shortest", () => {
    const latency = (use: number) => row({ budgets: budgets({ latency: [use] }) });
    expect(columnScale([latency(39.3), latency(0.021)], "latency")).toMatchObject({
      scale: { label: "ms" },
      decimals: 3,
    });
    expect(columnScale([latency(39.3), latency(0.000_02)], "latency")?.scale.label).toBe("µs");
  });

  it("has none where no device has a figure", () => {
    expect(columnScale([row({ budgets: budgets({}) })], "latency")).toBeUndefined();
    expect(budgetTexts(undefined, undefined)).toBeUndefined();
  });

  it("shows an overrun however small it is, and a limit without zeros that say nothing", () => {
    const all = [memory(32.01, 32)];
    const texts = budgetTexts(budgetOf(all[0] as ShownRow, "weightMemory"), columnScale(all, "weightMemory"));
    expect(texts).toEqual({ use: "32.01", limit: "32", over: true });
  });
});

describe("a verdict in two lines", () => {
  const feasible = { verdict: "feasible", headline: "Fits, −0.4 points", detail: "" } as const;

  it("says what is left of the budget that is tightest, or that all have room", () => {
    const tight = budgets({ weightMemory: [10, 20], latency: [4.5, 5] });
    expect(verdictText(row({ verdict: feasible, budgets: tight })).reason).toBe("0.500 ms of latency left");
    const roomy = budgets({ weightMemory: [10, 20], latency: [1, 5] });
    expect(verdictText(row({ verdict: feasible, budgets: roomy })).reason).toBe("all budgets");
    expect(verdictText(row({ verdict: feasible, budgets: budgets({ weightMemory: [10] }) })).reason).toBe("no budgets");
  });

  it("says which budget can't be checked", () => {
    const unknown = budgets({ weightMemory: [10, 20], energy: [undefined, 5] });
    expect(verdictText(row({ verdict: feasible, budgets: unknown })).reason).toBe("energy unknown");
  });

  it("says what is exceeded, the worst first, and what of accuracy is lost", () => {
    const over = { verdict: "infeasible", headline: "Does not fit", detail: "", binding: "latency" } as const;
    const used = budgets({ weightMemory: [21, 20], latency: [10, 5] });
    expect(verdictText(row({ verdict: over, budgets: used }))).toEqual({
      status: "fails",
      word: "Does not fit",
      reason: "latency, 5.00 ms over, weight memory",
    });
    const lossy = {
      verdict: "infeasible",
      headline: "Fits, but loses 1.6 points; target 1.0",
      detail: "",
      binding: "accuracy",
    } as const;
    expect(verdictText(row({ verdict: lossy }))).toMatchObject({
      word: "Loses too much",
      reason: "1.6 points; target 1.0",
    });
  });
});

describe("a loss of accuracy", () => {
  const of = (metric: "top1" | "agreement" | "nmse", quantized: number, synthetic = false) =>
    row({
      accuracy: { metric, float: 0.9, quantized, samples: 100, how: "simulated", ...(synthetic && { synthetic }) },
    });

  it("is in points with labels, else in the measure that there is, and marked where samples were made up", () => {
    expect(lossTexts(of("top1", 0.896))).toEqual({ value: "−0.4", how: "simulated" });
    expect(lossTexts(of("agreement", 0.981, true)).value).toBe("~98.1");
    expect(lossTexts(of("nmse", 0.001)).value).toBe("30.0");
    expect(lossUnit([of("nmse", 0.001)])).toEqual({ name: "SQNR", unit: "dB" });
  });
});

describe("bits of a device", () => {
  it("are a range where they are one", () => {
    expect(bitsText([8])).toBe("8 bits");
    expect(bitsText([2, 4, 8])).toBe("2, 4, 8 bits");
    expect(bitsText([2, 3, 4, 5, 6, 7, 8])).toBe("2 to 8 bits");
  });

  it("are told one by one, or by their counts where there are many", () => {
    expect(stripLabel([8, null, 4])).toBe("Bits 8, float, 4");
    expect(stripLabel([...Array(99).fill(4), null])).toBe("99 layers at 4 bits, 1 layer in float");
  });

  it("share a bar where there are more layers than room", () => {
    expect(barsFor([2, 4], 138)).toEqual([2, 4]);
    const many = barsFor(
      Array.from({ length: 920 }, (_, i) => (i < 460 ? 2 : 8)),
      138,
    );
    expect(many.length).toBeLessThanOrEqual(46);
    expect([many[0], many.at(-1)]).toEqual([2, 8]);
    expect(barsFor(Array(920).fill(null), 138).every((bar) => bar === null)).toBe(true);
  });
});

describe("the order of rows", () => {
  it("goes one way, the other, and back", () => {
    const first = nextSort(undefined, "weightMemory");
    expect(first).toEqual({ column: "weightMemory", descending: true });
    const second = nextSort(first, "weightMemory");
    expect(second).toEqual({ column: "weightMemory", descending: false });
    expect(nextSort(second, "weightMemory")).toBeUndefined();
    expect(nextSort(first, "loss")).toEqual({ column: "loss", descending: false });
  });

  it("keeps equal rows as they were given", () => {
    const rows = rowsOf(exampleDevices());
    const names = sorted(rows, { column: "average", descending: false }).map(({ device }) => device.name);
    expect(names.slice(0, 2)).toEqual(["MAX78000", "Shift-add 8×n, 28 nm"]);
    expect(sorted(rows, undefined)).toEqual(rows);
  });
});
