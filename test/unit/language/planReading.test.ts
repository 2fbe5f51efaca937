import { describe, expect, it } from "vitest";
import { layerStory } from "../../../src/server/language/layerStory.ts";
import { assess } from "../../../src/server/language/onDevice.ts";
import { planHints } from "../../../src/server/language/planHints.ts";
import { planHover } from "../../../src/server/language/planHover.ts";
import { planLenses } from "../../../src/server/language/planLenses.ts";
import { planSymbols, planTarget } from "../../../src/server/language/planPlaces.ts";
import { board, languageOn, layerNames, planBench, workspace } from "./support.ts";

const whole = (text: string) => ({ offset: 0, length: text.length });

async function hintsOf(text: string, profile = board) {
  const bench = await planBench(profile);
  return planHints(await bench.context(text), whole(text)).map(({ label }) => label);
}

describe("hints in a plan", () => {
  it("stand behind each layer's bits: what they take, and their share of the loss", async () => {
    const bench = await planBench(board, { conv1: 4, conv2: 2, fc: 2 });
    const hints = planHints(await bench.context(bench.text), whole(bench.text));
    expect(hints.map(({ label }) => label.replace(/[\d.]+/g, "#"))).toEqual(layerNames.map(() => "# B, # % of loss"));
    for (const { offset } of hints) expect(bench.text.slice(0, offset)).toMatch(/"weightBits": \d$/);
    const shares = hints.map(({ label }) => Number(/([\d.]+) %/.exec(label)?.[1]));
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(100, 0);
  });

  it("say what one bitwidth up or down would change", async () => {
    const bench = await planBench(board, { conv1: 4, conv2: 2, fc: 2 });
    const [first, second] = planHints(await bench.context(bench.text), whole(bench.text));
    expect(first?.tooltip).toMatch(/Lower to 2 bits: 72 B less, loss \+\d+/);
    expect(first?.tooltip).toMatch(/Raise to 8 bits: 144 B more, loss (−|as)/);
    expect(second?.tooltip).not.toContain("Lower");
  });

  it("follow the text, not the figures in it", async () => {
    const bench = await planBench(board, { conv1: 4 });
    const edited = bench.text.replace(
      '"conv1", "opType": "Conv", "weightBits": 4',
      '"conv1", "opType": "Conv", "weightBits": 2',
    );
    const label = async (text: string) => planHints(await bench.context(text), whole(text))[0]?.label.split(",")[0];
    expect(await label(bench.text)).toBe("208 B");
    expect(await label(edited)).toBe("136 B");
  });

  it("are made only for what is looked at", async () => {
    const bench = await planBench();
    const offset = bench.text.indexOf('"name": "conv2"');
    expect(planHints(await bench.context(bench.text), { offset, length: 5 })).toHaveLength(1);
  });

  it("tell what is in float, and bits that the device lacks", async () => {
    const text = `{ "version": 1, "model": "net.onnx", "profile": "board.hwprofile.json", "layers": [
      { "name": "conv1", "weightBits": 3 }, { "name": "conv2", "weightBits": null }, { "name": "nowhere", "weightBits": 4 } ] }`;
    expect(await hintsOf(text)).toEqual(["not on Board", "128 B in float"]);
  });

  it("stay short on a device of a long name", async () => {
    const profile = board.replace('"Board"', `"${"Very long board name ".repeat(3).trim()}"`);
    const text =
      '{ "version": 1, "model": "net.onnx", "profile": "board.hwprofile.json", "layers": [{ "name": "conv1", "weightBits": 3 }] }';
    expect(await hintsOf(text, profile)).toEqual(["not on this device"]);
  });
});

describe("the hover on a layer's line", () => {
  it("has its story: shape, sigma, costs, sensitivity by bits, and a link to its row", async () => {
    const bench = await planBench(board, { conv1: 4 });
    const context = await bench.context(bench.text);
    const hover = planHover(context, bench.text.indexOf('"conv1"'));
    expect(hover?.markdown).toMatch(/^\*\*conv1\*\* Conv, 8×4×3×3, 288 parameters, σ 0\.\d{4}\n/);
    const rows = hover?.markdown.split("\n").filter((line) => /^\| (\*\*)?[248]/.test(line)) ?? [];
    expect(rows.map((row) => row.split(" | ")[0])).toEqual(["| 2", "| **4 now**", "| 8"]);
    expect(hover?.markdown).toContain("estimated from the weights alone");
    expect(hover?.markdown).toContain("[Show in table](command:sigmaquant.showLayer?");
    expect(hover && bench.text.slice(hover.offset, hover.offset + hover.length)).toMatch(/^\{ "name": "conv1".*\}$/);
  });

  it("tells the step of the search that gave it its bits", async () => {
    const step = (n: number, from: 4 | 8, to: 2 | 4, kept: boolean) => ({
      phase: 2 as const,
      step: n,
      zone: "transition" as const,
      changes: [{ layer: "conv1", from, to }],
      drop: 0,
      pressure: 1,
      weightMemory: 1,
      kept,
    });
    const trace = [step(1, 8, 4, true), step(2, 4, 2, false)];
    const bench = await planBench(board, { conv1: 4 }, (plan) => ({ ...plan, trace }));
    const hover = planHover(await bench.context(bench.text), bench.text.indexOf('"conv1"'));
    expect(hover?.markdown).toContain("Search: 8 → 4 bits in phase 2, step 1 of 2");
  });

  it("is not there beside layers", async () => {
    const bench = await planBench();
    expect(planHover(await bench.context(bench.text), bench.text.indexOf('"strategy"'))).toBeUndefined();
  });
});

describe("a layer's story", () => {
  it("has the change of the whole plan's loss that computing it anew gives", async () => {
    const bench = await planBench(board, { conv1: 4, conv2: 2, fc: 4 });
    const { judged } = await bench.context(bench.text);
    if (!judged) throw new Error("not judged");
    const before = judged.assessment.loss ?? Number.NaN;
    for (const name of layerNames) {
      for (const { bits, lossChange = Number.NaN } of layerStory(judged, name)?.choices ?? []) {
        const after = assess(judged.model, new Map([...judged.assessment.bits, [name, bits]])).loss ?? Number.NaN;
        expect(lossChange).toBeCloseTo(after / before - 1, 10);
      }
    }
  });
});

describe("the lens over a plan", () => {
  it("has verdict and totals, then what can be done", async () => {
    const bench = await planBench();
    const lenses = planLenses(await bench.context(bench.text));
    expect(lenses[0]?.title).toMatch(
      /^\$\(pass\) Fits Board: [\d.]+ (KiB|B|of 2 KiB)( of 2 KiB)?, \d\.\d bits on average, accuracy unknown$/,
    );
    expect(lenses[0]?.command).toBeUndefined();
    expect(lenses.slice(1).map(({ title }) => title)).toEqual(["Open model", "Re-allocate"]);
  });

  it("says why it does not fit", async () => {
    const bench = await planBench(board.replace('"weightMemoryKiB": 2,', '"weightMemoryKiB": 0.8,'), {
      fc: 8,
      conv1: 8,
    });
    const [lens] = planLenses(await bench.context(bench.text));
    expect(lens?.title).toMatch(
      /^\$\(error\) Does not fit Board: weight memory is \d+ B over, \d\.\d bits on average$/,
    );
  });

  it("tells accuracy as long as it is of these bits", async () => {
    const accuracy = { metric: "top1", float: 0.93, quantized: 0.926, samples: 100, how: "measured" } as const;
    const bench = await planBench(board, { conv1: 4 }, (plan) => ({ ...plan, accuracy }));
    const title = async (text: string) => planLenses(await bench.context(text))[0]?.title ?? "";
    expect(await title(bench.text)).toContain("−0.4 points (measured)");
    const edited = bench.text.replace(
      '"conv1", "opType": "Conv", "weightBits": 4',
      '"conv1", "opType": "Conv", "weightBits": 2',
    );
    expect(await title(edited)).toContain("accuracy unknown");
  });

  it("stays while a slip is typed", async () => {
    const bench = await planBench();
    const before = planLenses(await bench.context(bench.text)).map(({ title }) => title);
    const broken = await bench.context(bench.text.replace('"layers"', "layers"));
    expect(planLenses(broken).map(({ title }) => title)).toEqual(before);
  });

  it("says nothing of a plan whose files are not there", async () => {
    const folder = await workspace();
    const text = '{ "version": 1, "model": "gone.onnx", "profile": "gone.hwprofile.json", "layers": [] }';
    const context = await (await languageOn(folder)).plan(text);
    expect(planLenses(context).map(({ title }) => title)).toEqual(["Open model"]);
  });
});

describe("the outline of a plan", () => {
  it("has its layers by name", async () => {
    const bench = await planBench(board, { conv1: 4 });
    const symbols = planSymbols(await bench.context(bench.text));
    expect(symbols.map(({ name }) => name)).toEqual(layerNames);
    expect(symbols[0]?.detail).toBe("Conv, 4 bits, 208 B");
  });

  it("is there while the text is broken", async () => {
    const bench = await planBench();
    const broken = bench.text.replace('"name": "conv2"', '"name" "conv2"');
    expect(planSymbols(await bench.context(broken)).map(({ name }) => name)).toContain("conv1");
  });
});

describe("definitions", () => {
  it("of a layer lead to the model, with the layer; of the profile to its file", async () => {
    const bench = await planBench();
    const context = await bench.context(bench.text);
    const target = (text: string, into = 2) => planTarget(context, bench.text.indexOf(text) + into);
    expect(target('"conv2"')).toMatchObject({ uri: bench.session.uri, layer: "conv2" });
    expect(target('"net.onnx"')).toMatchObject({ uri: bench.session.uri });
    expect(target('"net.onnx"')?.layer).toBeUndefined();
    expect(target('"board.hwprofile.json"')?.uri).toMatch(/board\.hwprofile\.json$/);
    expect(target('"weightBits"')).toBeUndefined();
    expect(target('"strategy"')).toBeUndefined();
  });
});
