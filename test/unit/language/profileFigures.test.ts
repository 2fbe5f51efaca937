import path from "node:path";
import { describe, expect, it } from "vitest";
import { serializePlan } from "../../../src/core/plan/planFile.ts";
import { overruns } from "../../../src/core/plan/verdict.ts";
import { leastLimit } from "../../../src/server/language/feasible.ts";
import { assess } from "../../../src/server/language/onDevice.ts";
import type { ProfileContext } from "../../../src/server/language/profileContext.ts";
import { profileFindings } from "../../../src/server/language/profileFindings.ts";
import { profileHints } from "../../../src/server/language/profileHints.ts";
import { profileLenses } from "../../../src/server/language/profileLenses.ts";
import { uriOf } from "../../../src/server/uris.ts";
import {
  board,
  codesOf,
  findingOf,
  fixed,
  languageOn,
  openNet,
  planFor,
  profileWithNet,
  quoted,
  workspace,
} from "./support.ts";

/** The profile with another value for a budget, or another text for a piece of it. */
function withText(before: string, after: string): string {
  expect(board).toContain(before);
  return board.replace(before, after);
}

function labels({ profile, ...rest }: ProfileContext): readonly string[] {
  return profileHints({ profile, ...rest }).map(({ offset, label }) => {
    const line = profile.text.slice(profile.text.lastIndexOf("\n", offset - 1) + 1, offset).trim();
    return `${line} [${label}]`;
  });
}

function titles(context: ProfileContext): readonly string[] {
  return profileLenses(context).map(({ title }) => title);
}

/** Every mix of the device's bits for the network's three layers. */
const bits = [2, 4, 8] as const;
const mixes = bits.flatMap((a) =>
  bits.flatMap((b) =>
    bits.map(
      (c) =>
        new Map([
          ["conv1", a],
          ["conv2", b],
          ["fc", c],
        ] as const),
    ),
  ),
);

describe("a budget that no mix can keep", () => {
  it("is told with the model, the bits and the least that can be reached", async () => {
    const text = withText('"latencyMs": 20', '"latencyMs": 0.5');
    const found = findingOf(profileFindings(await profileWithNet(text)), "SQ3102");
    expect(found.severity).toBe("error");
    expect(quoted(text, found)).toBe("0.5");
    expect(found.message).toMatch(
      /^No mix of 2, 4 and 8 bits runs net\.onnx in 0\.5 ms on this device\. The fastest plan takes [\d.]+ ms\.$/,
    );
  });

  it("has its least value from all mixes there are", async () => {
    const context = await profileWithNet(withText('"weightMemoryKiB": 2,', '"weightMemoryKiB": 0.1,'));
    const { message } = findingOf(profileFindings(context), "SQ3102");
    const uses = mixes.map((mix) => assess(context.models[0]?.model as never, mix).budgets[0]?.use ?? Number.NaN);
    const told = Number(/takes ([\d.]+) KiB/.exec(message)?.[1]) * 1024;
    expect(told).toBeGreaterThanOrEqual(Math.min(...uses));
    expect(told).toBeLessThan(Math.min(...uses) + 0.1 * 1024);
  });

  it.each([
    ["weightMemoryKiB", '"weightMemoryKiB": 2,', '"weightMemoryKiB": 0.1,', "stores net.onnx in 0.1 KiB"],
    ["latencyMs", '"latencyMs": 20', '"latencyMs": 0.5', "runs net.onnx in 0.5 ms"],
    ["energyUj", '"energyUj": 250', '"energyUj": 0.001', "runs net.onnx with 0.001 µJ"],
    ["bopsM", '"bopsM": 400', '"bopsM": 0.01', "runs net.onnx in 0.01 M bit operations"],
  ])("is raised to the smallest that fits: %s", async (field, before, after, words) => {
    const text = withText(before, after);
    const found = findingOf(profileFindings(await profileWithNet(text)), "SQ3102");
    expect(found.message).toContain(words);
    const raised = fixed(text, found, `Raise ${field} to`);
    expect(codesOf(profileFindings(await profileWithNet(raised)))).toEqual([]);
    expect(raised).toContain("// as much as the linker script leaves");
    expect(raised.split("\n").length).toBe(text.split("\n").length);
  });

  it("can be taken out", async () => {
    const text = withText('"latencyMs": 20', '"latencyMs": 0.5');
    const found = findingOf(profileFindings(await profileWithNet(text)), "SQ3102");
    const without = fixed(text, found, "Remove the budget for latency");
    expect(without).not.toContain("latencyMs");
    expect(codesOf(profileFindings(await profileWithNet(without)))).toEqual([]);
  });

  it("of activations is told apart: bits of weights do not help", async () => {
    const text = withText('"bopsM": 400', '"bopsM": 400, "activationMemoryKiB": 0.2');
    const found = findingOf(profileFindings(await profileWithNet(text)), "SQ3102");
    expect(found.message).toMatch(/^The activations of net\.onnx do not fit into 0\.2 KiB, whatever the bits/);
    const raised = fixed(text, found, "Raise activationMemoryKiB to");
    expect(codesOf(profileFindings(await profileWithNet(raised)))).toEqual([]);
  });

  it("is the device's own memory where no budget is lower, and that is not raised", async () => {
    const text = withText('"weightMemoryKiB": 442', '"weightMemoryKiB": 0.1').replace('"weightMemoryKiB": 2,', "");
    const found = findingOf(profileFindings(await profileWithNet(text)), "SQ3102");
    expect(quoted(text, found)).toBe("0.1");
    expect(found.fixes?.()).toEqual([]);
  });

  it("that is there because of a slip in the text is not told before the slip is corrected", async () => {
    const text = withText('"latencyMs": 20', '"latencyMs": 0.5,,');
    expect(codesOf(profileFindings(await profileWithNet(text)))).toEqual(["SQ3001"]);
  });
});

describe("a budget that is a thousand times off", () => {
  it.each([
    [
      "weight memory in MiB",
      '"weightMemoryKiB": 2,',
      '"weightMemoryKiB": 0.00195,',
      "stores net.onnx in",
      "MiB",
      "1.9968",
    ],
    ["latency in seconds", '"latencyMs": 20', '"latencyMs": 0.02', "runs net.onnx in 0.02 ms", "s", "20"],
    ["bit operations in G", '"bopsM": 400', '"bopsM": 0.0005', "runs net.onnx in", "G", "0.5"],
  ])("is too little for any mix: %s", async (_, before, after, words, unit, value) => {
    const text = withText(before, after);
    const found = profileFindings(await profileWithNet(text));
    expect(codesOf(found)).toEqual(["SQ3107"]);
    const [finding] = found;
    expect(finding).toMatchObject({ severity: "error", slug: "budget-unit" });
    expect(finding?.message).toContain(words);
    expect(finding?.message).toMatch(new RegExp(`It looks like ${unit}: write ${value}\\.$`));
    if (!finding) return;
    expect(quoted(text, finding)).toBe(after.split(": ")[1]?.replace(",", ""));
    const fixes = finding.fixes?.() ?? [];
    expect(fixes.filter(({ preferred }) => preferred).map(({ title }) => title)).toEqual([`Change to ${value}`]);
    expect(fixes.some(({ title }) => title.startsWith("Raise "))).toBe(true);
    expect(codesOf(profileFindings(await profileWithNet(fixed(text, finding, "Change to"))))).toEqual([]);
  });

  it.each([
    [
      "bytes of memory",
      '"weightMemoryKiB": 2,',
      '"weightMemoryKiB": 2048,',
      "bytes",
      "2",
      '"weightMemoryKiB": 442',
      '"weightMemoryKiB": 4420',
    ],
    ["microseconds", '"latencyMs": 20', '"latencyMs": 20000', "µs", "20", "", ""],
    ["plain bit operations", '"bopsM": 400', '"bopsM": 900000', "bit operations", "0.9", "", ""],
  ])("is more than the model takes at any bits: %s", async (_, before, after, unit, value, wide, wider) => {
    const text = withText(before, after).replace(wide, wider);
    const found = profileFindings(await profileWithNet(text));
    expect(codesOf(found)).toEqual(["SQ3107"]);
    const [finding] = found;
    expect(finding?.severity).toBe("information");
    expect(finding?.message).toMatch(
      new RegExp(`times the most that net\\.onnx takes\\. It looks like ${unit}: write ${value}\\.$`),
    );
    const repaired = finding && fixed(text, finding, "Change to");
    expect(codesOf(profileFindings(await profileWithNet(repaired ?? "")))).toEqual([]);
  });

  it("is not what a tight budget is, nor a roomy one", async () => {
    for (const [before, after] of [
      ['"weightMemoryKiB": 2,', '"weightMemoryKiB": 0.1,'],
      ['"weightMemoryKiB": 2,', '"weightMemoryKiB": 20,'],
      ['"latencyMs": 20', '"latencyMs": 400'],
    ] as const) {
      const found = profileFindings(await profileWithNet(withText(before, after)));
      expect(codesOf(found), after).not.toContain("SQ3107");
    }
  });
});

describe("budgets that can be kept one by one, but not together", () => {
  // Wide bits are the cheap ones for latency here, narrow ones for memory.
  const text = board
    .replace('{ "2x8": 8, "4x8": 4, "8x8": 2 }', '{ "2x8": 2, "4x8": 4, "8x8": 8 }')
    .replace('"weightMemoryKiB": 2,', '"weightMemoryKiB": 0.6,')
    .replace('"latencyMs": 20', '"latencyMs": 5');

  it("are told as such, at the budgets", async () => {
    const context = await profileWithNet(text);
    const found = findingOf(profileFindings(context), "SQ3103");
    expect(quoted(text, found)).toBe('"budgets"');
    expect(found.message).toMatch(
      /keeps all budgets at once for net\.onnx, though each can be kept by itself\. The nearest/,
    );
  });

  it("are kept after each fix that is offered", async () => {
    const found = findingOf(profileFindings(await profileWithNet(text)), "SQ3103");
    const fixes = found.fixes?.() ?? [];
    expect(fixes.length).toBeGreaterThan(0);
    for (const { title } of fixes) {
      const raised = fixed(text, found, title);
      expect(
        codesOf(profileFindings(await profileWithNet(raised))).filter((code) => code.startsWith("SQ31")),
        title,
      ).toEqual([]);
    }
  });
});

describe("the least limit of one resource", () => {
  it("is that of all mixes that keep the others", async () => {
    const [shown] = (await profileWithNet(withText('"weightMemoryKiB": 2,', '"weightMemoryKiB": 0.7,'))).models;
    if (!shown) throw new Error("no model");
    const { model } = shown;
    const kept = mixes
      .map((mix) => assess(model, mix).budgets)
      .filter((budgets) => overruns(budgets).every(({ name }) => name === "latency"))
      .map((budgets) => budgets.find(({ name }) => name === "latency")?.use ?? Number.NaN);
    const least = leastLimit(model, "latency") ?? Number.NaN;
    expect(least).toBeGreaterThanOrEqual(Math.min(...kept));
    expect(least).toBeLessThan(Math.min(...kept) * 1.01);
  });

  it("is none where the others can't be kept", async () => {
    const [shown] = (await profileWithNet(withText('"weightMemoryKiB": 2,', '"weightMemoryKiB": 0.1,'))).models;
    expect(shown && leastLimit(shown.model, "latency")).toBeUndefined();
  });
});

describe("hints in a profile", () => {
  it("give sizes in bytes, or in a larger unit where that reads better", async () => {
    const context = await profileWithNet(withText('"weightMemoryKiB": 442', '"weightMemoryKiB": 2048'));
    expect(labels(context)).toContain('"memory": { "weightMemoryKiB": 2048 [2.0 MiB]');
    expect(labels(context)).toContain(
      '"memory": { "weightMemoryKiB": 2048, "activationMemoryKiB": 512 [524,288 bytes]',
    );
  });

  it("give use against budget of the open model, and what an overhead per layer adds up to", async () => {
    const found = labels(await profileWithNet(board));
    expect(
      found.some((hint) => /^"layerOverheadUs": 28 \[3 layers: 84\.0 µs\]$/.test(hint)),
      found.join("\n"),
    ).toBe(true);
    expect(found.some((hint) => /^"weightMemoryKiB": 2 \[[\d.]+ of 2 KiB, [\d.]+ left\]$/.test(hint))).toBe(true);
    expect(found.some((hint) => /^"latencyMs": 20 \[[\d.]+ of 20 ms, [\d.]+ left\]$/.test(hint))).toBe(true);
  });

  it("say that there is no figure, and invent none", async () => {
    const text = withText('"energy": { "energyPerMacPj": { "2x8": 1, "4x8": 2, "8x8": 4 } },', "");
    expect(labels(await profileWithNet(text))).toContain('"energyUj": 250 [no figure]');
  });

  it("stay while a slip is typed elsewhere, and not beside another figure", async () => {
    const folder = await workspace();
    const language = await languageOn(folder, [await openNet(folder)]);
    await language.profile(board);
    const broken = await language.profile(withText('"bopsM": 400', '"bopsM": 40 "'));
    expect(labels(broken).some((hint) => hint.startsWith('"weightMemoryKiB": 2 ['))).toBe(true);
    expect(labels(broken).some((hint) => hint.startsWith('"bopsM"'))).toBe(false);
    expect(titles(broken)[0]).toMatch(/^\$\(play\) Allocate net\.onnx: fits/);
  });
});

describe("lenses over a profile", () => {
  it("say what would come out for the model, and open it", async () => {
    const context = await profileWithNet(board);
    expect(titles(context)[0]).toMatch(
      /^\$\(play\) Allocate net\.onnx: fits, \d\.\d bits on average, accuracy unknown$/,
    );
    expect(titles(context)).toContain("Open model");
    expect(titles(context)).toContain("4 budgets, all can be met");
    const [allocate] = profileLenses(context);
    expect(allocate?.command?.arguments).toEqual([{ uri: context.models[0]?.model.known.uri, profile: context.uri }]);
  });

  it("count the budgets that can't be met, and raise them", async () => {
    const text = board.replace('"latencyMs": 20', '"latencyMs": 0.5').replace('"bopsM": 400', '"bopsM": 0.01');
    const found = titles(await profileWithNet(text));
    expect(found[0]).toMatch(
      /^\$\(play\) Allocate net\.onnx: does not fit, latency and BOPs, 2\.0 bits on average$|BOPs and latency/,
    );
    expect(found).toContain("4 budgets, 2 cannot be met");
    expect(found).toContain("Set all to nearest feasible");
  });
});

describe("models that are not open", () => {
  it("are known by their plans and files: with figures, nothing run", async () => {
    const folder = await workspace({ "board.hwprofile.json": board });
    const session = await openNet(folder);
    const plan = serializePlan(planFor(folder, session, board, {}));
    const withPlan = await workspace({ "board.hwprofile.json": board, "net.sigmaquant.json": plan });
    const closed = await (await languageOn(withPlan)).profile(board);
    const open = await (await languageOn(folder, [session])).profile(board);
    expect(titles(closed)[0]).toBe(titles(open)[0]);
    // Activations need shapes, which need a run.
    const weightHints = (context: ProfileContext) =>
      labels(context).filter((hint) => hint.startsWith('"weightMemoryKiB": 2 '));
    expect(weightHints(closed)).toEqual(weightHints(open));
    const tight = withText('"latencyMs": 20', '"latencyMs": 0.5');
    const found = profileFindings(await (await languageOn(withPlan)).profile(tight));
    expect(findingOf(found, "SQ3102").message).toContain("runs net.onnx in 0.5 ms");
  });

  it("are left out where their plans are of another device, or broken", async () => {
    const plan = '{ "version": 1, "model": "net.onnx", "profile": "other.hwprofile.json", "layers": [] }';
    const folder = await workspace({ "net.sigmaquant.json": plan, "broken.sigmaquant.json": "{" });
    expect((await (await languageOn(folder)).profile(board)).models).toEqual([]);
  });

  it("give way to those that are open, which have this device", async () => {
    const folder = await workspace({ "board.hwprofile.json": board });
    const session = await openNet(folder);
    const uri = uriOf(path.join(folder, "board.hwprofile.json"));
    const own = { id: uri, uri, ref: "board.hwprofile.json", profile: {} as never, limits: {} };
    const language = await languageOn(folder, [{ ...session, state: { ...session.state, profile: own } }]);
    const { models } = await language.profile(board);
    expect(models.map(({ inForce, model }) => [model.known.open, inForce])).toEqual([[true, true]]);
  });
});

describe("a table of measured latencies", () => {
  const table = (rows: string) =>
    withText('"layerOverheadUs": 28', `"layerOverheadUs": 28, "measuredLatencyMs": { ${rows} }`);

  it("is told which names are no layer, with the one that was meant", async () => {
    const text = table('"conv1": { "8": 12 }, "conv22": { "8": 2 }, "fc": { "8": 1 }');
    const found = findingOf(profileFindings(await profileWithNet(text)), "SQ3104");
    expect(quoted(text, found)).toBe('"conv22"');
    expect(found.message).toBe("No layer of net.onnx is called conv22. Did you mean conv2?");
    expect(fixed(text, found, "Change")).toContain('"conv2": { "8": 2 }');
  });

  it("is told which layers it misses", async () => {
    const text = table('"conv1": { "8": 12 }, "fc": { "8": 1 }');
    const found = findingOf(profileFindings(await profileWithNet(text)), "SQ3105");
    expect(found.severity).toBe("information");
    expect(found.message).toContain("no latency for 1 layer of net.onnx: conv2");
    const without = text
      .replace('"clockMHz": 1, // slow', "")
      .replace('"macsPerCycle": { "2x8": 8, "4x8": 4, "8x8": 2 },', "");
    expect(findingOf(profileFindings(await profileWithNet(without)), "SQ3105").severity).toBe("warning");
  });

  it("is told where the clock contradicts it: too fast, or microseconds for milliseconds", async () => {
    // 3 x 3 x 4 x 8 MACs for each of 64 pixels, 2 a cycle at 1 MHz: 9.2 ms.
    const fast = findingOf(profileFindings(await profileWithNet(table('"conv1": { "8": 0.9 }'))), "SQ3106");
    expect(fast.message).toMatch(
      /^900 µs is faster than the clock and macsPerCycle allow: 9\.24 ms|^0\.900 ms is faster/,
    );
    const inMicroseconds = table('"conv1": { "8": 9300 }');
    const slow = findingOf(profileFindings(await profileWithNet(inMicroseconds)), "SQ3106");
    expect(fixed(inMicroseconds, slow, "Change to")).toContain('"conv1": { "8": 9.3 }');
    const inSeconds = table('"conv1": { "8": 0.0093 }');
    const seconds = findingOf(profileFindings(await profileWithNet(inSeconds)), "SQ3106");
    expect(fixed(inSeconds, seconds, "Change to")).toContain('"conv1": { "8": 9.3 }');
    expect(fast.fixes?.()).toEqual([]);
    expect(slow.message).toMatch(/is 10\d\d times what the clock and macsPerCycle give/);
    const right = profileFindings(await profileWithNet(table('"conv1": { "8": 10 }')));
    expect(codesOf(right)).not.toContain("SQ3106");
  });
});
