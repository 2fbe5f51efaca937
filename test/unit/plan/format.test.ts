import { describe, expect, it } from "vitest";
import { resources } from "../../../src/core/hardware/profile.ts";
import {
  budgetCells,
  formatAccuracy,
  formatAmount,
  formatApart,
  formatBytes,
  formatCount,
  formatEnough,
  formatJoules,
  formatPercent,
  formatPoints,
  formatSeconds,
  formatSensitivity,
  grouped,
  resourceName,
  threeFigures,
} from "../../../src/core/plan/format.ts";
import type { Accuracy, BudgetUse } from "../../../src/core/plan/types.ts";
import { weights } from "./support.ts";

const kib = 1024;

describe("numbers", () => {
  it("have commas between thousands and a true minus", () => {
    expect([0, 999, 1000, 1234567, -1234.56].map((v) => grouped(v, v === -1234.56 ? 1 : 0))).toEqual([
      "0",
      "999",
      "1,000",
      "1,234,567",
      "−1,234.6",
    ]);
  });

  it("have no sign where they round to zero", () => {
    expect(grouped(-0.04, 1)).toBe("0.0");
    expect(formatPoints(-0.0004)).toBe("0.0 points");
  });

  it("have three figures, whatever their size", () => {
    expect([0, 0.00123, 1.2345, 12.345, 123.45, 1234.5].map((v) => threeFigures(v))).toEqual([
      "0",
      "0.00123",
      "1.23",
      "12.3",
      "123",
      "1,235",
    ]);
  });

  it("are exact below 100,000 and have a prefix above", () => {
    expect([68504, 99999, 100_000, 10_300_000, 2.5e9].map((v) => formatCount(v))).toEqual([
      "68,504",
      "99,999",
      "100 k",
      "10.3 M",
      "2.50 G",
    ]);
  });
});

describe("units", () => {
  it("bytes are whole below 1 KiB, else in the largest unit that leaves at least 1", () => {
    expect([0, 1023, kib, 31.2 * kib, 1.5 * kib ** 2, -2 * kib].map((v) => formatBytes(v))).toEqual([
      "0 B",
      "1,023 B",
      "1.0 KiB",
      "31.2 KiB",
      "1.5 MiB",
      "−2.0 KiB",
    ]);
  });

  it("latency is in ms, µs below 0.1 ms, s from one second on", () => {
    expect([3.667e-3, 1e-4, 42e-6, 2.5].map((v) => formatSeconds(v))).toEqual([
      "3.67 ms",
      "0.100 ms",
      "42.0 µs",
      "2.50 s",
    ]);
  });

  it("a negative margin has the unit of its size", () => {
    expect(formatSeconds(-3.667e-3)).toBe("−3.67 ms");
    expect(formatJoules(-2e-3)).toBe("−2.00 mJ");
  });

  it("energy is in µJ, mJ from 1 mJ on", () => {
    expect([208e-6, 1.2e-3].map((v) => formatJoules(v))).toEqual(["208 µJ", "1.20 mJ"]);
  });

  it("accuracy is in percent, its differences in signed points", () => {
    expect(formatPercent(0.9332)).toBe("93.3 %");
    expect([-0.004, 0, 0.0021].map(formatPoints)).toEqual(["−0.4 points", "0.0 points", "+0.2 points"]);
  });

  it("sensitivity has four decimals, and says when it is below them", () => {
    expect([0, 0.00009, 0.0001, 1.23456].map(formatSensitivity)).toEqual(["0.0000", "<0.0001", "0.0001", "1.2346"]);
  });

  it("every budget has a name and an amount in its unit", () => {
    expect(resources.map(resourceName)).toEqual(["weight memory", "activation memory", "latency", "energy", "BOPs"]);
    const units: readonly BudgetUse["unit"][] = ["B", "s", "J", "bitops"];
    expect(units.map((unit) => formatAmount(unit, 2048))).toEqual(["2.0 KiB", "2,048 s", "2,048,000 mJ", "2,048"]);
  });
});

describe("amounts side by side", () => {
  it("get as many decimals as it takes to tell them apart", () => {
    expect(formatApart("B", 32 * kib + 20, 32 * kib)).toEqual(["32.02 KiB", "32.00 KiB"]);
    expect(formatApart("s", 5.0001e-3, 5e-3)).toEqual(["5.0001 ms", "5.0000 ms"]);
    expect(formatApart("B", 1, 1)).toEqual(["1 B", "1 B"]);
  });

  it("end at some decimals, where the difference is of the arithmetic", () => {
    const [a, b] = formatApart("s", 5e-3 * (1 + 1e-15), 5e-3);
    expect(a).toBe(b);
  });

  it("a budget's cells never hide an overrun", () => {
    expect(budgetCells(weights(32 * kib + 20, 32 * kib))).toEqual(["32.02 KiB", "32.00 KiB", "−20 B"]);
    expect(budgetCells(weights(31 * kib, 32 * kib))).toEqual(["31.0 KiB", "32.0 KiB", "1.0 KiB"]);
  });

  it("a budget without a limit or a figure says so", () => {
    expect(budgetCells(weights(kib))).toEqual(["1.0 KiB", "–", "–"]);
    expect(budgetCells({ name: "energy", unit: "J", limit: 1e-3 })).toEqual(["no figure", "1.00 mJ", "–"]);
  });
});

describe("what is enough", () => {
  it("is rounded up: 21.41 KiB need 21.5 KiB", () => {
    expect(formatEnough("B", 21.41 * kib)).toBe("21.5 KiB");
    expect(formatEnough("B", 21 * kib + 1)).toBe("21.1 KiB");
    expect(formatEnough("B", 1023)).toBe("1,023 B");
    expect(formatEnough("s", 5.001e-3)).toBe("5.01 ms");
    expect(formatEnough("J", 2.081e-4)).toBe("209 µJ");
    expect(formatEnough("bitops", 187_100_000)).toBe("188 M");
  });

  it("stays as it is where it is round already", () => {
    expect(formatEnough("B", 21.4 * kib)).toBe("21.4 KiB");
    expect(formatEnough("s", 5e-3)).toBe("5.00 ms");
    expect(formatEnough("J", 250e-6)).toBe("250 µJ");
  });

  it("is never less than what is needed", () => {
    for (let bytes = 1; bytes < 3e6; bytes = Math.ceil(bytes * 1.037)) {
      const [amount = "", unit] = formatEnough("B", bytes).split(" ");
      const size = { B: 1, KiB: kib, MiB: kib ** 2 }[unit as "B"] as number;
      expect(Number(amount.replaceAll(",", "")) * size, `${bytes} B`).toBeGreaterThanOrEqual(bytes * (1 - 1e-12));
    }
  });
});

describe("accuracy", () => {
  const accuracy = (more: Partial<Accuracy>): Accuracy => ({
    metric: "top1",
    float: 0.933,
    quantized: 0.929,
    samples: 100,
    how: "measured",
    ...more,
  });

  it("names its metric", () => {
    expect(formatAccuracy(accuracy({}))).toBe("93.3 % → 92.9 % top-1");
    expect(formatAccuracy(accuracy({ metric: "agreement", float: 1, quantized: 0.981 }))).toBe(
      "98.1 % agreement with float",
    );
    expect(formatAccuracy(accuracy({ metric: "nmse", float: 0, quantized: 1e-3 }))).toBe("SQNR 30.0 dB");
    expect(formatAccuracy(accuracy({ metric: "nmse", float: 0, quantized: 0 }))).toBe("equal to float");
  });

  it("got from made-up samples has a ~", () => {
    const agreement = accuracy({ metric: "agreement", float: 1, quantized: 0.981, synthetic: true });
    expect(formatAccuracy(agreement)).toBe("~98.1 % agreement with float");
  });
});
