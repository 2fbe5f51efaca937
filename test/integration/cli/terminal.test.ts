import process from "node:process";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ProgressBar } from "../../../src/cli/progress.ts";
import { type Column, cutMiddle, renderTable, wrap } from "../../../src/cli/table.ts";

const columns: readonly Column[] = [
  { head: "Layer", shrink: "cut" },
  { head: "MACs", align: "right", drop: 0 },
  { head: "Op", drop: 1 },
  { head: "Bytes", align: "right" },
];
const rows = [
  ["backbone/stage1/block2/depthwise/conv1", "1.81 M", "Conv", "9.0 KiB"],
  ["head", "640", "Gemm", "720 B"],
];
const widest = (text: string) => Math.max(...text.split("\n").map((line) => [...line].length));

describe("a table", () => {
  it("has a head, a rule as wide as the table, and its numbers to the right", () => {
    expect(renderTable(columns, rows).split("\n")).toEqual([
      "Layer                                     MACs  Op      Bytes",
      "─────────────────────────────────────────────────────────────",
      "backbone/stage1/block2/depthwise/conv1  1.81 M  Conv  9.0 KiB",
      "head                                       640  Gemm    720 B",
    ]);
  });

  it("first cuts names in the middle, then leaves out columns, the least important first", () => {
    const at = (width: number) => renderTable(columns, rows, width);
    expect(at(50)).toContain("MACs");
    expect(at(50)).toMatch(/^backbone\/s…\/depthwise\/conv1 {2}1\.81 M/m);
    expect(at(40)).not.toContain("MACs");
    expect(at(40)).toContain("Gemm");
    expect(at(30)).not.toContain("Gemm");
    expect(at(20)).toMatch(/9\.0 KiB$/m);
    for (const width of [60, 50, 40, 30, 20]) expect(widest(at(width)), `${width}`).toBeLessThanOrEqual(width);
  });

  it("wraps texts where its column says so", () => {
    const text = renderTable(
      [{ head: "plan" }, { head: "verdict", shrink: "wrap" }],
      [["a", "Does not fit: it is over"]],
      18,
    );
    expect(widest(text)).toBeLessThanOrEqual(18);
    expect(text.replace(/\s+/g, " ")).toContain("Does not fit:");
    expect(text).not.toContain("…");
  });

  it("cuts a name so that both ends are left", () => {
    expect(cutMiddle("layer3.block1.conv2", 11)).toBe("laye….conv2");
    expect(cutMiddle("short", 11)).toBe("short");
  });

  it("breaks lines at spaces, and indents what follows", () => {
    expect(wrap("Note: one two three four", 14, "      ")).toBe("Note: one two\n      three\n      four");
    expect(wrap("one two", Number.POSITIVE_INFINITY)).toBe("one two");
  });
});

describe("progress where stderr is no terminal", () => {
  let lines: string[] = [];
  beforeEach(() => {
    lines = [];
    vi.useFakeTimers();
    vi.spyOn(process.stderr, "write").mockImplementation((text) => {
      lines.push(String(text).trimEnd());
      return true;
    });
    Object.defineProperty(process.stderr, "isTTY", { value: false, configurable: true });
  });
  afterEach(() => {
    vi.restoreAllMocks();
    Reflect.deleteProperty(process.stderr, "isTTY");
    vi.useRealTimers();
  });

  it("is a line at each stage, at most one in ten seconds within it, with the time left", () => {
    const bar = new ProgressBar({ quiet: false, verbose: false });
    bar.update({ stage: "Reading", done: 0, total: 1, note: "net.onnx" });
    for (let done = 0; done <= 60; done++) {
      bar.update({ stage: "Measuring", done, total: 60, note: `conv${done}` });
      vi.advanceTimersByTime(500);
    }
    bar.stop();
    expect(lines).toEqual([
      "Reading: net.onnx",
      "Measuring: conv0, 0 of 60",
      "Measuring: conv21, 21 of 60, about 20 s left",
      "Measuring: conv42, 42 of 60, about 9 s left",
    ]);
  });

  it("is nothing when quiet, but decisions and times when verbose", () => {
    const bar = new ProgressBar({ quiet: true, verbose: true });
    bar.update({ stage: "Measuring", done: 0, total: 2 });
    vi.advanceTimersByTime(1500);
    bar.log("Activations: 3 values");
    bar.stop();
    expect(lines).toEqual(["Measuring took 1.5 s", "Activations: 3 values"]);
  });
});
