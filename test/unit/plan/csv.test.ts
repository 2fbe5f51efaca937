import { describe, expect, it } from "vitest";
import { csvReport } from "../../../src/core/plan/csv.ts";
import { layer, plan } from "./support.ts";

/** Cells of RFC 4180 text. */
function parse(text: string): string[][] {
  const rows: string[][] = [[]];
  const pattern = /("(?:[^"]|"")*"|[^,\r\n]*)(,|\r\n)/g;
  for (const [, cell = "", end] of text.matchAll(pattern)) {
    rows.at(-1)?.push(cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell);
    if (end === "\r\n") rows.push([]);
  }
  return rows.slice(0, -1);
}

function table(text: string): Record<string, string>[] {
  const [head = [], ...rows] = parse(text);
  return rows.map((row) => Object.fromEntries(head.map((name, i) => [name, row[i] ?? ""])));
}

describe("the table for spreadsheets", () => {
  it("has raw numbers, with units in the header", () => {
    const conv = layer("conv1", {
      macs: 112_896,
      sigma: 0.45,
      sensitivity: { 2: 0.5, 8: 1e-7 },
      latencyS: 0.002,
      bops: 7e6,
    });
    const [row] = table(csvReport(plan({ layers: [conv] })));
    expect(row).toMatchObject({
      index: "1",
      name: "conv1",
      operator: "Conv",
      weight_shape: "8x4x3x3",
      params: "288",
      macs: "112896",
      sigma: "0.45",
      sensitivity_2bit: "0.5",
      sensitivity_3bit: "",
      sensitivity_8bit: "1e-7",
      weight_bits: "4",
      pinned: "false",
      activation_bits: "8",
      bytes: "176",
      latency_s: "0.002",
      energy_j: "",
      bops: "7000000",
      float_reason: "",
    });
  });

  it("has every layer, those in float with their reason", () => {
    const layers = [layer("a"), layer("b", { weightBits: null, activationBits: null, floatReason: "shared, with a" })];
    const rows = table(csvReport(plan({ layers })));
    expect(rows.map((row) => row.weight_bits)).toEqual(["4", "float"]);
    expect(rows[1]?.float_reason).toBe("shared, with a");
  });

  it.each(['=HYPERLINK("http://x")', "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1"])(
    "a layer called %j is no formula",
    (name) => {
      const [row] = table(csvReport(plan({ layers: [layer(name)] })));
      expect(row?.name).toBe(`'${name}`);
    },
  );

  it("negative figures stay numbers", () => {
    expect(table(csvReport(plan({ layers: [layer("a", { sigma: -1 })] })))[0]?.sigma).toBe("-1");
  });

  it.each(["a,b", 'say "x"', "two\nlines", "é✓"])("a layer called %j comes back whole", (name) => {
    const [row] = table(csvReport(plan({ layers: [layer(name)] })));
    expect(row?.name).toBe(name);
  });

  it("ends its lines as RFC 4180 says", () => {
    const text = csvReport(plan());
    expect(text.endsWith("\r\n")).toBe(true);
    expect(text.split("\r\n")).toHaveLength(4);
  });
});
