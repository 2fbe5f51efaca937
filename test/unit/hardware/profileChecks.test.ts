import { describe, expect, it } from "vitest";
import { parseProfile } from "../../../src/core/hardware/parseProfile.ts";
import { presetSource } from "./support.ts";

/** What is wrong with a profile: code, the text that it is about, and the sentence. */
function problemsOf(fields: object, source = presetSource) {
  const text = JSON.stringify({ name: "Mine", ...fields }, null, 2);
  return parseProfile(text, { file: "mine", ...source }).problems.map(
    ({ code, severity, message, remedy, path, offset, length }) => ({
      code,
      severity,
      message,
      remedy,
      path: path.join("."),
      at: text.slice(offset, offset + length),
    }),
  );
}

function codes(fields: object, source = presetSource): readonly string[] {
  return problemsOf(fields, source).map(({ code }) => code);
}

const bits = { weightBits: [4, 8] };
const compute = { clockMHz: 100, macsPerCycle: { "4x8": 2, "8x8": 1 } };

describe("a figure in another unit", () => {
  it.each([
    ["a clock in Hz", { compute: { ...compute, clockMHz: 480_000_000 } }, "480000000", "Hz", "480"],
    ["a clock in kHz", { compute: { ...compute, clockMHz: 32_000 } }, "32000", "kHz", "32"],
    ["a clock in GHz", { compute: { ...compute, clockMHz: 2.4 } }, "2.4", "GHz", "2400"],
    ["a clock in GHz below one", { compute: { ...compute, clockMHz: 0.48 } }, "0.48", "GHz", "480"],
    [
      "a bandwidth in bytes",
      { compute: { ...compute, bandwidthMBps: 17e9 } },
      "17000000000",
      "bytes a second",
      "17000",
    ],
    ["a bandwidth in GB/s", { compute: { ...compute, bandwidthMBps: 0.05 } }, "0.05", "GB/s", "50"],
    ["an overhead in ns", { compute: { ...compute, layerOverheadUs: 280_000 } }, "280000", "ns", "280"],
    ["an energy in nJ", { energy: { energyPerMacPj: { "8x8": 0.000_2 } } }, "0.0002", undefined, undefined],
    ["an energy in J", { energy: { energyPerMacPj: { "8x8": 3e-13 } } }, "3e-13", undefined, undefined],
    ["a memory in MiB", { memory: { weightMemoryKiB: 0.25 } }, "0.25", "MiB", "256"],
    ["a memory in bytes", { memory: { activationMemoryKiB: 4_294_967_296 } }, "4294967296", "bytes", "4194304"],
    [
      "MACs a second",
      { compute: { ...compute, macsPerCycle: { "8x8": 26e9 } } },
      "26000000000",
      "MACs a second",
      "260",
    ],
  ])("is told: %s", (_, fields, at, unit, value) => {
    const [problem, ...more] = problemsOf({ ...bits, ...fields });
    expect(more).toEqual([]);
    expect(problem).toMatchObject({ code: "SQ3026", severity: "warning", at });
    if (unit === undefined) return;
    expect(problem?.message).toContain(`it looks like ${unit}`);
    expect(problem?.remedy).toBe(`Write ${value}.`);
  });

  it("is told with all units that it may be in, where there are several", () => {
    const [problem] = problemsOf({ ...bits, energy: { energyPerMacPj: { "8x8": 0.000_2 } } });
    expect(problem?.remedy).toBe("Check it: that is 0.2 pJ if it was in nJ, 200 pJ if it was in \u00b5J.");
  });

  it("is told where no unit makes sense: a joule for each MAC", () => {
    const [problem] = problemsOf({ ...bits, energy: { energyPerMacPj: { "8x8": 1e12 } } });
    expect(problem).toMatchObject({ code: "SQ3026", at: "1000000000000", remedy: "Check it: the field is in pJ." });
  });

  it.each([
    ["slow clocks", { compute: { ...compute, clockMHz: 1 } }],
    ["slow clocks of whole megahertz", { compute: { ...compute, clockMHz: 8 } }],
    ["fast clocks", { compute: { ...compute, clockMHz: 5400 } }],
    ["clocks with a fraction", { compute: { ...compute, clockMHz: 16.5 } }],
    ["no overhead", { compute: { ...compute, layerOverheadUs: 0 } }],
    ["a flash over a serial bus", { compute: { ...compute, bandwidthMBps: 0.5 } }],
    ["gigabytes", { memory: { weightMemoryKiB: 16 * 1024 ** 2 } }],
    ["software arithmetic", { compute: { ...compute, macsPerCycle: { "8x8": 0.01 } } }],
    ["analog arithmetic", { energy: { energyPerMacPj: { "8x8": 0.01 } } }],
    ["energy that is part of that of MACs", { energy: { energyPerBytePj: 0 } }],
  ])("is not seen in what devices have: %s", (_, fields) => {
    expect(codes({ ...bits, ...fields })).toEqual([]);
  });

  it("is not looked for in what a preset has", () => {
    const odd = JSON.stringify({ name: "Odd", ...bits, compute: { clockMHz: 48e6, macsPerCycle: { "8x8": 1 } } });
    const source = { presets: () => odd, presetNames: ["odd"] };
    expect(codes({ extends: "preset:odd" }, source)).toEqual([]);
  });

  it("says nothing else of the figure, as all else follows from it", () => {
    const fields = { extends: "preset:max78000", compute: { clockMHz: 50_000_000 } };
    expect(problemsOf(fields).map(({ code, at }) => [code, at])).toEqual([["SQ3026", "50000000"]]);
  });
});

describe("a profile that contradicts the preset that it extends", () => {
  const over = (fields: object) => problemsOf({ extends: "preset:max78000", ...fields });

  it("is told of bits that the hardware lacks, with the source", () => {
    const [problem, ...more] = over({ weightBits: [2, 3, 8] });
    expect(more).toEqual([]);
    expect(problem).toMatchObject({ code: "SQ3027", severity: "warning", at: "3", path: "weightBits.1" });
    expect(problem?.message).toMatch(
      /^MAX78000 has no 3-bit weights, but 2, 4, 8 \(github\.com\/analogdevicesinc\/ai8x/,
    );
    expect(over({ activationBits: [8, 16] })[0]).toMatchObject({ code: "SQ3027", at: "16" });
  });

  it("is told of an operator that runs in float there", () => {
    const [problem] = over({ operators: { MatMul: { weightBits: [8] } } });
    expect(problem).toMatchObject({ code: "SQ3027", at: '"weightBits"', path: "operators.MatMul.weightBits" });
    expect(over({ operators: { MatMul: { float: false } } })[0]).toMatchObject({ at: '"float"' });
    expect(over({ operators: { Conv: { float: true } } })).toEqual([]);
  });

  it("is told of bits that an operator lacks there", () => {
    const fields = { extends: "preset:cortex-m7", operators: { ConvTranspose: { weightBits: [4, 8] } } };
    expect(problemsOf(fields)).toMatchObject([{ code: "SQ3027", at: "4" }]);
  });

  it.each([
    ["memory", "weightMemoryKiB", 442, 'Write 432 or less, or give its source in "sources".'],
    ["memory", "biasBytes", 4, 'Write 1, or give its source in "sources".'],
    ["memory", "weightPacking", "container", 'Write "packed", or give its source in "sources".'],
    ["compute", "clockMHz", 100, 'Write 50 or less, or give its source in "sources".'],
  ])("is told of a figure that the device can't have: %s.%s", (section, field, value, remedy) => {
    const [problem, ...more] = over({ [section]: { [field]: value } });
    expect(more).toEqual([]);
    expect(problem).toMatchObject({ code: "SQ3027", at: JSON.stringify(value), remedy });
    expect(problem?.message).toContain(`${JSON.stringify(value)} contradicts MAX78000, whose ${field} is`);
  });

  it("is told of arithmetic that is faster", () => {
    expect(over({ compute: { macsPerCycle: { "2x8": 1152 } } })).toMatchObject([{ code: "SQ3027", at: "1152" }]);
  });

  it("may have less of everything: fewer bits, less memory, a slower clock", () => {
    const less = {
      weightBits: [4, 8],
      memory: { weightMemoryKiB: 300, activationMemoryKiB: 256 },
      compute: { clockMHz: 25, macsPerCycle: { "4x8": 288, "8x8": 288 } },
      budgets: { weightMemoryKiB: 100 },
    };
    expect(over(less)).toEqual([]);
  });

  it("may have more where it has a source of its own", () => {
    const sources = [{ figure: "compute.clockMHz", source: "measured on our board" }];
    expect(over({ compute: { clockMHz: 60 }, sources })).toEqual([]);
    const left = [{ figure: "compute.clockMHz", source: "nobody says", missing: true }];
    expect(over({ compute: { clockMHz: 60 }, sources: left })).toMatchObject([{ code: "SQ3027" }]);
  });

  it("may have more where the preset's figure is an example", () => {
    expect(
      codes({ extends: "preset:ethos-u55", compute: { clockMHz: 1000, macsPerCycle: { "4x8": 512, "8x8": 512 } } }),
    ).toEqual([]);
    expect(codes({ extends: "preset:cortex-m7", memory: { weightMemoryKiB: 4096 } })).toEqual([]);
    expect(codes({ extends: "preset:generic", activationBits: [4, 8] })).toEqual([]);
  });

  it("may have what the preset says nothing of", () => {
    const fields = { extends: "preset:hailo-8", memory: { weightMemoryKiB: 4096 }, compute };
    expect(codes(fields)).toEqual([]);
  });
});

describe("bits that no operator supports", () => {
  const none = ["ConvTranspose", "MatMul", "Gather", "LSTM", "GRU", "RNN"].map((name) => [name, { float: true }]);
  const operators = { ...Object.fromEntries(none), Conv: { weightBits: [8] }, Gemm: { weightBits: [4, 8] } };

  it("are told where each operator has others", () => {
    const [problem, ...more] = problemsOf({ weightBits: [2, 4, 8], operators });
    expect(more).toEqual([]);
    expect(problem).toMatchObject({ code: "SQ3028", severity: "warning", at: "2", path: "weightBits.0" });
  });

  it("are not seen while one operator takes the device's", () => {
    const { Gather: _, ...rest } = operators;
    expect(codes({ weightBits: [2, 4, 8], operators: rest })).toEqual([]);
  });
});

describe("a table of measured latencies", () => {
  const table = (measuredLatencyMs: object) => problemsOf({ ...bits, compute: { ...compute, measuredLatencyMs } });

  it("is told where more bits cost less", () => {
    const [problem, ...more] = table({ conv1: { "4": 8, "8": 0.9 }, conv2: { "4": 1, "8": 1.1 } });
    expect(more).toEqual([]);
    expect(problem).toMatchObject({ code: "SQ3016", path: "compute.measuredLatencyMs.conv1.8", at: '"8"' });
    expect(problem?.message).toBe("8 bits cost less than 4: 0.9 ms against 8 ms");
  });

  it("is not told where that is how the device is: 4 bits are unpacked first", () => {
    const slow = { "4": 2, "8": 1 };
    expect(table({ a: slow, b: slow, c: slow, d: { "4": 1, "8": 1 } })).toEqual([]);
  });

  it("is not told of the noise of a clock", () => {
    expect(table({ a: { "4": 1, "8": 0.95 } })).toEqual([]);
  });

  it("is told of bits that the device lacks, unless narrower ones take their figure", () => {
    expect(table({ a: { "3": 1, "4": 1, "8": 1 } })).toMatchObject([{ code: "SQ3013", at: '"3"' }]);
    expect(table({ a: { "6": 1, "8": 1 } })).toEqual([]);
  });
});
