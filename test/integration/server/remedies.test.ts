import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { FileChangeType } from "vscode-languageserver-protocol";
import type { EditorSnapshot } from "../../../src/protocol/editor.ts";
import { requests } from "../../../src/protocol/requests.ts";
import { type TestServer, uriOf } from "../../support/server.ts";
import { isIdle, limitOf, noticesOf, type SmallBench, smallBench, useServerBuild, useSharedCache } from "./support.ts";

useServerBuild();
const cache = useSharedCache();

/** A workspace whose profile has other figures; the model's verdict on it. */
async function judged(
  changes: Readonly<Record<string, string>>,
): Promise<{ readonly bench: SmallBench; readonly server: TestServer; readonly snapshot: EditorSnapshot }> {
  const bench = smallBench(cache());
  let text = readFileSync(bench.profile, "utf8");
  for (const [before, after] of Object.entries(changes)) {
    expect(text).toContain(before);
    text = text.replace(before, after);
  }
  writeFileSync(bench.profile, text);
  const server = await bench.start();
  await server.open(bench.model);
  const snapshot = await server.until(bench.model, (each) => isIdle(each) && each.verdict !== undefined);
  return { bench, server, snapshot };
}

const labelsOf = ({ remedies }: EditorSnapshot) => remedies.map(({ label }) => label);
/** So few bits as these budgets allow may lose too much, which is another matter. */
const keepsBudgets = ({ budgets, verdict }: EditorSnapshot) =>
  verdict !== undefined && budgets.every(({ use = 0, limit = use }) => use <= limit);

/** Does what a button beside the verdict does, and waits until the plan fits. */
async function remedied(server: TestServer, { model, profile }: SmallBench, index = 0): Promise<EditorSnapshot> {
  const { now: after } = server;
  const change = await server.request(requests.applyRemedy, { uri: uriOf(model), index });
  expect(change?.uri).toBe(uriOf(profile));
  writeFileSync(profile, change?.text ?? "");
  await server.filesChanged(FileChangeType.Changed, profile);
  return server.until(model, keepsBudgets, { after });
}

describe("a raised budget", () => {
  it("is written to the profile, and the plan fits", async () => {
    const { bench, server, snapshot } = await judged({ '"weightMemoryKiB": 48': '"weightMemoryKiB": 3' });
    expect(keepsBudgets(snapshot)).toBe(false);
    expect(labelsOf(snapshot)[0]).toMatch(/^Raise budget to [\d.]+ KiB$/);
    const fits = await remedied(server, bench);
    expect(limitOf(fits)).toBeGreaterThan(3 * 1024);
  });

  it("is tried while a limit is tried, and leaves the profile alone", async () => {
    const { bench, server } = await judged({});
    const text = readFileSync(bench.profile, "utf8");
    const uri = uriOf(bench.model);
    await server.request(requests.tryBudget, { uri, resource: "weightMemory", limit: 3 * 1024 });
    const over = await server.until(bench.model, (snapshot) => limitOf(snapshot) === 3 * 1024);
    expect(labelsOf(over)[0]).toMatch(/^Raise budget to/);
    const { now: after } = server;
    expect(await server.request(requests.applyRemedy, { uri, index: 0 })).toBeNull();
    const fits = await server.until(bench.model, keepsBudgets, { after });
    expect(noticesOf(fits)).toContain("whatIf");
    expect(fits.budgets.find(({ name }) => name === "weightMemory")?.profileLimit).toBe(48 * 1024);
    expect(limitOf(fits)).toBeLessThan(48 * 1024);
    expect(readFileSync(bench.profile, "utf8")).toBe(text);
  });

  it("is not offered where the device has no more memory", async () => {
    const { snapshot } = await judged({ '"scaleBytes": 4': '"weightMemoryKiB": 3, "scaleBytes": 4' });
    expect(keepsBudgets(snapshot)).toBe(false);
    expect(limitOf(snapshot)).toBe(3 * 1024);
    expect(labelsOf(snapshot).filter((label) => label.startsWith("Raise"))).toEqual([]);
  });

  it("is one of several where one is not enough: one click, and the plan fits", async () => {
    const { bench, server, snapshot } = await judged({
      '"weightMemoryKiB": 48': '"weightMemoryKiB": 3',
      '"activationMemoryKiB": 64': '"activationMemoryKiB": 1',
    });
    expect(labelsOf(snapshot)).toEqual([
      expect.stringMatching(
        /^Raise (weight|activation) memory to [\d.]+ KiB and (weight|activation) memory to [\d.]+ KiB$/,
      ),
    ]);
    await remedied(server, bench);
  });
});

describe("a limit that is taken away", () => {
  it("is a trial as any other, and told of", async () => {
    const { bench, server } = await judged({});
    const uri = uriOf(bench.model);
    await server.request(requests.tryBudget, { uri, resource: "weightMemory", limit: null });
    const tried = await server.until(bench.model, (snapshot) => limitOf(snapshot) === undefined);
    expect(tried.notices).toContainEqual({
      kind: "whatIf",
      resource: "weightMemory",
      limit: null,
      profileLimit: 48 * 1024,
    });
    // A budget without a limit has none to be taken away.
    await server.request(requests.resetWhatIf, { uri });
    await server.request(requests.tryBudget, { uri, resource: "energy", limit: null });
    await server.until(
      bench.model,
      (snapshot) => limitOf(snapshot) === 48 * 1024 && !noticesOf(snapshot).includes("whatIf"),
    );
  });
});
