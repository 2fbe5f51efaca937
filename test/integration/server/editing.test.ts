import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { FileChangeType } from "vscode-languageserver-protocol";
import { parsePlan } from "../../../src/core/plan/planFile.ts";
import { type PlanEdit, requests } from "../../../src/protocol/requests.ts";
import { type TestServer, uriOf } from "../../support/server.ts";
import {
  bitsOf,
  isDecided,
  isIdle,
  limitOf,
  noticesOf,
  type SmallBench,
  smallBench,
  useServerBuild,
  useSharedCache,
} from "./support.ts";

useServerBuild();
const cache = useSharedCache();

/** A person at a page that types: what comes later than this is not "live". */
const liveMs = 1000;

const wide = '"weightMemoryKiB": 48';
/** Half of it: too little for the bits that 48 KiB allow. */
const narrow = '"weightMemoryKiB": 30';

async function decided(bench: SmallBench): Promise<TestServer> {
  const server = await bench.start();
  await server.open(bench.model);
  await server.until(bench.model, isDecided);
  return server;
}

describe("a profile in a text editor", () => {
  it("changes the bits as it is typed, before it is saved, and gives them back with the text", async () => {
    const bench = smallBench(cache());
    const { model, profile } = bench;
    const server = await decided(bench);
    const text = readFileSync(profile, "utf8");
    expect(text).toContain(wide);
    await server.openText(profile, text);
    const before = await server.until(model, isDecided);
    const typed = Date.now();
    let { now: after } = server;
    await server.typeText(profile, text.replace(wide, narrow));
    const fewer = await server.until(model, (snapshot) => limitOf(snapshot) === 30 * 1024, { after });
    expect(Date.now() - typed).toBeLessThan(liveMs);
    expect(sum(bitsOf(fewer))).toBeLessThan(sum(bitsOf(before)));
    expect(fewer.layers.some(({ wasBits }) => wasBits !== undefined)).toBe(false);
    after = server.now;
    await server.typeText(profile, text);
    const back = await server.until(model, (snapshot) => limitOf(snapshot) === 48 * 1024, { after });
    expect(limitOf(back)).toBe(limitOf(before));
    expect(readFileSync(profile, "utf8")).toBe(text);
  });

  it("keeps the device while a slip stands in it, and tells of the slip", async () => {
    const bench = smallBench(cache());
    const { model, profile } = bench;
    const server = await decided(bench);
    const text = readFileSync(profile, "utf8");
    await server.openText(profile, text);
    const { now: after } = server;
    await server.typeText(profile, text.replace(wide, '"weightMemoryKiB": "much"'));
    const told = await server.until(model, (snapshot) => noticesOf(snapshot).includes("problem"), { after });
    expect(told.notices).toContainEqual(
      expect.objectContaining({
        kind: "problem",
        file: profile,
        line: text.slice(0, text.indexOf(wide)).split("\n").length,
      }),
    );
    expect(limitOf(told)).toBe(48 * 1024);
    await server.closeText(profile);
    expect(noticesOf(await server.until(model, (snapshot) => snapshot.notices.length === 0))).toEqual([]);
  });

  it("is what is saved again once the editor is closed without saving", async () => {
    const bench = smallBench(cache());
    const { model, profile } = bench;
    const server = await decided(bench);
    const text = readFileSync(profile, "utf8");
    await server.openText(profile, text.replace(wide, narrow));
    await server.until(model, (snapshot) => limitOf(snapshot) === 30 * 1024);
    await server.closeText(profile);
    await server.until(model, (snapshot) => limitOf(snapshot) === 48 * 1024);
  });

  it("takes tried budgets into its text and leaves its comments alone", async () => {
    const bench = smallBench(cache());
    const { model, profile } = bench;
    const server = await decided(bench);
    const uri = uriOf(model);
    await server.request(requests.tryBudget, { uri, resource: "weightMemory", limit: 30 * 1024 });
    const tried = await server.until(model, (snapshot) => noticesOf(snapshot).includes("whatIf"));
    expect(limitOf(tried)).toBe(30 * 1024);
    expect(tried.budgets.find(({ name }) => name === "weightMemory")?.profileLimit).toBe(48 * 1024);
    const { text } = await server.request(requests.writeToProfile, { uri });
    expect(text).toBe(readFileSync(profile, "utf8").replace(wide, narrow));
    await server.request(requests.resetWhatIf, { uri });
    await server.until(model, (snapshot) => limitOf(snapshot) === 48 * 1024 && !noticesOf(snapshot).includes("whatIf"));
  });
});

describe("a plan", () => {
  /** Edits the plan and writes it, as the extension does. */
  async function edit(server: TestServer, { model }: SmallBench, what: PlanEdit): Promise<string> {
    const { uri, text } = await server.request(requests.editPlan, { uri: uriOf(model), edit: what });
    const file = new URL(uri).pathname;
    writeFileSync(file, text);
    await server.filesChanged(FileChangeType.Changed, file);
    return file;
  }

  it("takes bits that are set by hand, pins them, and keeps all others", async () => {
    const bench = smallBench(cache());
    const server = await decided(bench);
    const before = await server.until(bench.model, isDecided);
    const [first, second] = before.layers.map(({ name }) => name) as [string, string];
    const file = await edit(server, bench, { kind: "setBits", layers: [first, second], bits: 2 });
    expect(path.basename(file)).toBe("resnet8.sigmaquant.json");
    const after = await server.until(bench.model, ({ layers }) => layers[0]?.pinned === true);
    expect(bitsOf(after)).toEqual([2, 2, ...bitsOf(before).slice(2)]);
    expect(after.layers.filter(({ pinned }) => pinned).map(({ name }) => name)).toEqual([first, second]);
    const plan = parsePlan(readFileSync(file, "utf8"), file);
    expect(plan.layers.slice(0, 3).map(({ weightBits, pinned }) => [weightBits, pinned])).toEqual([
      [2, true],
      [2, true],
      [before.layers[2]?.weightBits, undefined],
    ]);
  });

  it("says of bits that were run how they did, of others that nobody knows", async () => {
    const bench = smallBench(cache());
    const server = await decided(bench);
    const { accuracy, layers, verdict } = await server.until(bench.model, isDecided);
    const planned = async () => {
      const { uri, text } = await server.request(requests.planText, { uri: uriOf(bench.model) });
      return parsePlan(text, uri);
    };
    expect(await planned()).toMatchObject({ accuracy, verdict: { headline: verdict?.headline } });
    await edit(server, bench, { kind: "setBits", layers: [layers.at(-1)?.name ?? ""], bits: 2 });
    await server.until(bench.model, (snapshot) => snapshot.layers.at(-1)?.weightBits === 2);
    expect((await planned()).accuracy).toBeUndefined();
  });

  /** A workspace whose device has activations of 8 and 16 bits. */
  function widerBench(): SmallBench {
    const bench = smallBench(cache());
    const text = readFileSync(bench.profile, "utf8");
    writeFileSync(bench.profile, text.replace(/"activationBits": \[.*?\]/, '"activationBits": [8, 16]'));
    return bench;
  }

  it("has activation bits that count, as far as the device has them", async () => {
    const bench = widerBench();
    const server = await decided(bench);
    const before = await server.until(bench.model, isDecided);
    const { uri, text } = await server.request(requests.planText, { uri: uriOf(bench.model) });
    const file = new URL(uri).pathname;
    const bops = ({ budgets }: typeof before) => budgets.find(({ name }) => name === "bops")?.use ?? 0;
    // The first layer's, and one that the device lacks.
    const edited = text
      .replace('"activationBits": 8', '"activationBits": 16')
      .replace(/"activationBits": 8(?!.*"activationBits": 8)/s, '"activationBits": 4');
    writeFileSync(file, edited);
    await server.filesChanged(FileChangeType.Created, file);
    const after = await server.until(bench.model, ({ layers }) => layers[0]?.activationBits === 16);
    expect(after.layers.at(-1)?.activationBits).toBe(8);
    const { macs = 0, weightBits } = before.layers[0] ?? {};
    expect(bops(after) - bops(before)).toBe(macs * (weightBits ?? 0) * 8);
  });

  it("loses its activation bits when all bits are reset, and the accuracy that was theirs", async () => {
    const bench = widerBench();
    const server = await decided(bench);
    const { uri, text } = await server.request(requests.planText, { uri: uriOf(bench.model) });
    const file = new URL(uri).pathname;
    writeFileSync(file, text.replace('"activationBits": 8', '"activationBits": 16'));
    await server.filesChanged(FileChangeType.Created, file);
    await server.until(bench.model, ({ layers }) => layers[0]?.activationBits === 16);
    const { now: after } = server;
    await server.until(bench.model, ({ work }) => work?.kind === "allocate", { after });
    await server.until(bench.model, isDecided);
    await edit(server, bench, { kind: "resetAll" });
    const plan = parsePlan(readFileSync(file, "utf8"), file);
    expect(plan.layers.every(({ activationBits }) => activationBits === 8)).toBe(true);
    expect(plan.accuracy).toBeUndefined();
    const reset = await server.until(bench.model, ({ layers }) => layers[0]?.activationBits === 8);
    expect(bitsOf(reset)).toEqual(plan.layers.map(({ weightBits }) => weightBits));
  });

  it("is followed when its text goes back, as undo does", async () => {
    const bench = smallBench(cache());
    const server = await decided(bench);
    const [first] = (await server.until(bench.model, isDecided)).layers;
    const file = await edit(server, bench, { kind: "setPinned", layers: [first?.name ?? ""], pinned: true });
    await server.until(bench.model, ({ layers }) => layers[0]?.pinned === true);
    const saved = readFileSync(file, "utf8");
    await edit(server, bench, { kind: "setBits", layers: [first?.name ?? ""], bits: 3 });
    await server.until(bench.model, ({ layers }) => layers[0]?.weightBits === 3);
    await server.openText(file, readFileSync(file, "utf8"));
    await server.typeText(file, saved);
    const back = await server.until(bench.model, ({ layers }) => layers[0]?.weightBits === first?.weightBits);
    expect(back.layers[0]?.pinned).toBe(true);
  });

  it("gives other layers bits around the pinned ones, and all of them back", async () => {
    const bench = smallBench(cache());
    const server = await decided(bench);
    const before = await server.until(bench.model, isDecided);
    // The second largest: with the largest at 8 bits the others do not fit at any.
    const large = before.layers.toSorted((a, b) => b.params - a.params)[1]?.name ?? "";
    const index = before.layers.findIndex(({ name }) => name === large);
    await edit(server, bench, { kind: "setBits", layers: [large], bits: 8 });
    const over = await server.until(bench.model, ({ layers }) => layers[index]?.pinned === true);
    expect(over.verdict?.verdict).toBe("infeasible");
    await edit(server, bench, { kind: "reallocate" });
    const around = await server.until(bench.model, ({ verdict }) => verdict?.verdict === "feasible");
    expect(around.layers[index]).toMatchObject({ weightBits: 8, pinned: true });
    expect(sum(bitsOf(around))).toBeLessThan(sum(bitsOf(over)));
    await edit(server, bench, { kind: "resetAll" });
    const reset = await server.until(bench.model, ({ layers }) => layers.every(({ pinned }) => !pinned));
    expect(reset.layers[index]?.weightBits).toBeLessThan(8);
  });

  it("whose text is no plan is told of with its line, and bits are allocated as without it", async () => {
    const bench = smallBench(cache());
    const server = await decided(bench);
    const file = path.join(bench.folder, "resnet8.sigmaquant.json");
    writeFileSync(file, '{\n  "version": 1,\n  "layers": 5\n}\n');
    await server.filesChanged(FileChangeType.Created, file);
    const told = await server.until(bench.model, (snapshot) => noticesOf(snapshot).includes("problem"));
    expect(told.notices[0]).toMatchObject({
      kind: "problem",
      message: expect.stringContaining("resnet8.sigmaquant.json"),
    });
    expect(told.layers.every(({ weightBits }) => weightBits !== undefined)).toBe(true);
  });

  it("that pins what the device lacks is told of until it is corrected", async () => {
    const bench = smallBench(cache());
    const server = await decided(bench);
    const [first] = (await server.until(bench.model, isDecided)).layers;
    const file = await edit(server, bench, { kind: "setBits", layers: [first?.name ?? ""], bits: 2 });
    await server.until(bench.model, ({ layers }) => layers[0]?.pinned === true);
    const right = readFileSync(file, "utf8");
    writeFileSync(file, right.replace('"weightBits": 2', '"weightBits": 7'));
    await server.filesChanged(FileChangeType.Changed, file);
    const told = await server.until(bench.model, (snapshot) => noticesOf(snapshot).includes("problem"));
    expect(told.notices).toContainEqual(expect.objectContaining({ code: expect.stringMatching(/^SQ52/) }));
    writeFileSync(file, right);
    await server.filesChanged(FileChangeType.Changed, file);
    await server.until(bench.model, (snapshot) => !noticesOf(snapshot).includes("problem"));
  });

  it("is opened at a layer's line however its text is laid out", async () => {
    const bench = smallBench(cache());
    const server = await decided(bench);
    const uri = uriOf(bench.model);
    const last = (await server.until(bench.model, isDecided)).layers.at(-1)?.name ?? "";
    const { text, uri: planUri } = await server.request(requests.planText, { uri });
    const laidOut = JSON.stringify(JSON.parse(text), null, 1).replaceAll('": ', '":');
    const file = new URL(planUri).pathname;
    for (const each of [text, laidOut]) {
      writeFileSync(file, each);
      await server.filesChanged(FileChangeType.Changed, file);
      await server.request(requests.editPlan, { uri, edit: { kind: "reallocate" } });
      const { line } = await server.request(requests.planLine, { uri, layer: last });
      expect(each.split("\n")[line]).toMatch(/"name": ?"/);
      expect(each.split("\n")[line]).toContain(JSON.stringify(last));
    }
  });

  it("pins that are written while the search runs are in the next one", async () => {
    const bench = smallBench(cache());
    const server = await decided(bench);
    const [first] = (await server.until(bench.model, isDecided)).layers;
    const { now: after } = server;
    await edit(server, bench, { kind: "setBits", layers: [first?.name ?? ""], bits: 4 });
    // Decided anew once things are quiet, with the pin.
    await server.until(bench.model, ({ work }) => work?.kind === "allocate", { after });
    const last = await server.until(bench.model, (snapshot) => isIdle(snapshot) && snapshot.layers[0]?.pinned === true);
    expect(last.layers[0]?.weightBits).toBe(4);
  });
});

function sum(bits: readonly (number | null | undefined)[]): number {
  return bits.reduce<number>((all, one) => all + (one ?? 32), 0);
}
