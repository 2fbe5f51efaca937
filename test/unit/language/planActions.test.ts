import { describe, expect, it } from "vitest";
import { parsePlan } from "../../../src/core/plan/planFile.ts";
import { planActions } from "../../../src/server/language/planActions.ts";
import { planFindings } from "../../../src/server/language/planFindings.ts";
import { acted, board, codesOf, type PlanBench, planBench } from "./support.ts";

/** The actions on the lines from the first to the last of these texts. */
async function actionsAt({ context }: PlanBench, text: string, first: string, last = first) {
  const offset = text.indexOf(first);
  return planActions(await context(text), { offset, length: text.indexOf(last) - offset });
}

const at = (name: string) => `"name": "${name}"`;

function layerOf(text: string, name: string) {
  return parsePlan(text, "plan").layers.find((layer) => layer.name === name);
}

describe("actions on a layer's line", () => {
  it("raise and lower it to the next bits that the device has, and pin it", async () => {
    const bench = await planBench(board, { conv1: 4 });
    const actions = await actionsAt(bench, bench.text, at("conv1"));
    const raised = acted(bench.text, actions, "Raise conv1 to 8 bits");
    expect(layerOf(raised, "conv1")).toMatchObject({ weightBits: 8, pinned: true });
    const lowered = acted(bench.text, actions, "Lower conv1 to 2 bits");
    expect(layerOf(lowered, "conv1")).toMatchObject({ weightBits: 2, pinned: true });
  });

  it("are not offered beyond the device's widest and narrowest", async () => {
    const bench = await planBench(board, { conv1: 8, fc: 2 });
    const wide = (await actionsAt(bench, bench.text, at("conv1"))).map(({ title }) => title);
    expect(wide.some((title) => title.startsWith("Raise"))).toBe(false);
    const narrow = (await actionsAt(bench, bench.text, at("fc"))).map(({ title }) => title);
    expect(narrow.some((title) => title.startsWith("Lower"))).toBe(false);
  });

  it("leave a plan as the program itself would have made it, one line a layer", async () => {
    const bench = await planBench(board, { conv1: 4 });
    const raised = acted(bench.text, await actionsAt(bench, bench.text, at("conv1")), "Raise conv1");
    const made = parsePlan((await planBench(board, { conv1: 8 })).text, "plan");
    const plan = parsePlan(raised, "plan");
    expect(plan.budgets).toEqual(made.budgets);
    expect(plan.verdict).toEqual(made.verdict);
    expect(plan.layers.map(({ pinned: _, ...layer }) => layer)).toEqual(made.layers);
    expect(raised.split("\n").length).toBe(bench.text.split("\n").length);
    expect(codesOf(planFindings(await bench.context(raised)))).toEqual([]);
  });

  it("pin and unpin, and touch nothing else", async () => {
    const bench = await planBench(board, { conv1: 4 });
    const pinned = acted(bench.text, await actionsAt(bench, bench.text, at("conv1")), "Pin conv1");
    expect(pinned).toContain('"weightBits": 4, "activationBits": 8, "pinned": true, "weightShape"');
    expect(pinned.replace(', "pinned": true', "")).toBe(bench.text);
    expect(acted(pinned, await actionsAt(bench, pinned, at("conv1")), "Unpin conv1")).toBe(bench.text);
  });

  it("take accuracy away that was measured with other bits", async () => {
    const accuracy = { metric: "top1", float: 0.93, quantized: 0.92, samples: 100, how: "measured" } as const;
    const bench = await planBench(board, { conv1: 4 }, (plan) => ({ ...plan, accuracy }));
    const raised = acted(bench.text, await actionsAt(bench, bench.text, at("conv1")), "Raise conv1");
    expect(parsePlan(raised, "plan").accuracy).toBeUndefined();
    const pinned = acted(bench.text, await actionsAt(bench, bench.text, at("conv1")), "Pin conv1");
    expect(parsePlan(pinned, "plan").accuracy).toEqual(accuracy);
  });

  it("keep comments, and add no figures to a plan written by hand", async () => {
    const text = `{
  "version": 1, "model": "net.onnx", "profile": "board.hwprofile.json",
  "layers": [
    // the stem is fragile
    { "name": "conv1", "weightBits": 4 /* for now */ },
    { "name": "conv2", "weightBits": 4 },
    { "name": "fc", "weightBits": null },
  ],
}
`;
    const bench = await planBench(board);
    const raised = acted(text, await actionsAt(bench, text, at("conv1")), "Raise conv1 to 8 bits");
    expect(raised).toBe(text.replace("4 /* for now */", '8, "pinned": true /* for now */'));
    const lowered = acted(text, await actionsAt(bench, text, at("fc")), "Lower fc to 8 bits");
    expect(lowered).toBe(text.replace('"weightBits": null', '"weightBits": 8, "pinned": true'));
  });

  it("keep the line ends of the text", async () => {
    const bench = await planBench(board, { conv1: 4 });
    const text = bench.text.replaceAll("\n", "\r\n");
    const raised = acted(text, await actionsAt(bench, text, at("conv1")), "Raise conv1");
    expect(raised.replaceAll("\r\n", "")).not.toMatch(/[\r\n]/);
  });

  it("take layers along that share their bits", async () => {
    const profile = board.replace('"budgets":', '"sharedBits": { "residual": true },\n  "budgets":');
    const bench = await planBench(profile, { conv1: 4, conv2: 4 });
    const raised = acted(bench.text, await actionsAt(bench, bench.text, at("conv1")), "Raise conv1 to 8 bits");
    expect(["conv1", "conv2"].map((name) => layerOf(raised, name)?.weightBits)).toEqual([8, 8]);
    expect(["conv1", "conv2"].map((name) => layerOf(raised, name)?.pinned ?? false)).toEqual([true, false]);
    expect(codesOf(planFindings(await bench.context(raised)))).toEqual([]);
  });

  it("go for all layers that are selected", async () => {
    const bench = await planBench(board, { conv1: 4, conv2: 4, fc: 8 });
    const actions = await actionsAt(bench, bench.text, at("conv1"), at("fc"));
    const lowered = acted(bench.text, actions, "Lower 3 layers by one bitwidth");
    expect(parsePlan(lowered, "plan").layers.map(({ weightBits }) => weightBits)).toEqual([2, 2, 4]);
    expect(parsePlan(acted(bench.text, actions, "Pin 3 layers"), "plan").layers.every(({ pinned }) => pinned)).toBe(
      true,
    );
  });

  it("are none where no layer stands", async () => {
    const bench = await planBench();
    expect(await actionsAt(bench, bench.text, '"strategy"')).toEqual([]);
  });
});

describe("what the allocation recommends", () => {
  // Room for some more than all layers at 2 bits.
  const tight = board.replace('"weightMemoryKiB": 2,', '"weightMemoryKiB": 0.75,');

  it("comes back by a reset, without the pin", async () => {
    const bench = await planBench(tight);
    const recommended = layerOf(bench.text, "conv1")?.weightBits;
    const other = recommended === 8 ? "Lower" : "Raise";
    const changed = acted(bench.text, await actionsAt(bench, bench.text, at("conv1")), `${other} conv1`);
    const reset = acted(changed, await actionsAt(bench, changed, at("conv1")), "Reset conv1 to the recommended");
    expect(layerOf(reset, "conv1")).toEqual(layerOf(bench.text, "conv1"));
    expect(parsePlan(reset, "plan").verdict).toEqual(parsePlan(bench.text, "plan").verdict);
  });

  it("is not offered where it is what stands there", async () => {
    const bench = await planBench(tight);
    const titles = (await actionsAt(bench, bench.text, at("conv1"))).map(({ title }) => title);
    expect(titles.filter((title) => /^Re/.test(title))).toEqual([]);
  });

  it("is made anew for the rest around pins, which fits again", async () => {
    // Room for fc at 8 bits beside the others at their narrowest, or for the others at 8 bits beside fc at its narrowest.
    const profile = board.replace('"weightMemoryKiB": 2,', '"weightMemoryKiB": 0.95,');
    const bench = await planBench(profile, { conv1: 8, conv2: 8, fc: 2 });
    const pinned = bench.text.replace(/("name": "fc", .*?"weightBits": )2/, '$18, "pinned": true');
    expect(codesOf(planFindings(await bench.context(pinned)))).toContain("SQ5111");
    const fits = acted(pinned, await actionsAt(bench, pinned, at("fc")), "Re-allocate the rest around the pins");
    expect(codesOf(planFindings(await bench.context(fits)))).toEqual([]);
    expect(layerOf(fits, "fc")).toMatchObject({ weightBits: 8, pinned: true });
    expect(layerOf(fits, "conv1")?.weightBits).toBe(2);
    expect(layerOf(fits, "conv1")?.pinned).toBeUndefined();
  });
});
