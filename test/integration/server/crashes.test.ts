import path from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { root } from "../../../scripts/lib/run.mjs";
import type { EditorSnapshot } from "../../../src/protocol/editor.ts";
import { requests } from "../../../src/protocol/requests.ts";
import { uriOf } from "../../support/server.ts";
import { resnet8Layers } from "../../support/smallWorkspace.ts";
import { quick } from "./faultsSupport.ts";
import { filesIn, isDecided, isIdle, noticesOf, type SmallBench, smallBench, useServerBuild } from "./support.ts";

useServerBuild();
afterEach(() => vi.unstubAllEnvs());

const noticeOf = <K extends EditorSnapshot["notices"][number]["kind"]>({ notices }: EditorSnapshot, kind: K) =>
  notices.find((notice): notice is Extract<typeof notice, { kind: K }> => notice.kind === kind);

/** Engines that are started from now on die at this layer, in native code as it were. @param once only the first that comes to it */
function crashAt(layer: string, { folder }: SmallBench, once = false): void {
  vi.stubEnv("NODE_OPTIONS", `--require ${JSON.stringify(path.join(root, "test/support/crashAt.cjs"))}`);
  vi.stubEnv("CRASH_AT", layer);
  vi.stubEnv("CRASH_ONCE", once ? path.join(folder, "../crashed") : "");
}

/** The model's layers: the fourth is in the middle of the network. */
async function layersOf(bench: SmallBench): Promise<readonly string[]> {
  const server = await bench.start({ trusted: false });
  const { layers } = await server.open(bench.model);
  await server.stop();
  return layers.map(({ name }) => name);
}

describe("a layer that crashes ONNX Runtime", () => {
  it("is named at once, left out when it does so again, and all others are measured, decided and written", async () => {
    const bench = smallBench();
    const layers = await layersOf(bench);
    const bad = layers[3] ?? "";
    crashAt(bad, bench);
    const server = await bench.start({ settings: quick });
    const uri = uriOf(bench.model);
    await server.open(bench.model);
    const told = await server.until(bench.model, (one) => isIdle(one) && noticesOf(one).includes("restarted"));
    expect(noticeOf(told, "restarted")).toEqual({
      kind: "restarted",
      kept: 3 * 6,
      total: resnet8Layers * 6,
      layer: bad,
    });
    expect(noticesOf(told)).not.toContain("skipped");

    await server.request(requests.analyze, { uri });
    const last = await server.until(bench.model, isDecided);
    expect(noticeOf(last, "skipped")).toEqual({ kind: "skipped", layers: [bad] });
    expect(noticesOf(last)).not.toContain("restarted");
    for (const { name, sensitivity, weightBits, floatReason } of last.layers) {
      const expected = name === bad ? [0, null, "running it ended ONNX Runtime"] : [6, expect.any(Number), undefined];
      expect([Object.keys(sensitivity ?? {}).length, weightBits, floatReason], name).toEqual(expected);
    }
    // The server is the same; its engine is another.
    expect(server.engines).toHaveLength(1);

    const done = await server.request(requests.quantize, { uri, overwrite: true });
    expect(done.kind).toBe("done");
    expect(filesIn(bench.folder)).toContain("resnet8.microcontroller.onnx");

    // Tried again, as it was asked for: the first time it may be by chance.
    await server.request(requests.analyze, { uri });
    const again = await server.until(bench.model, (one) => isIdle(one) && noticesOf(one).includes("restarted"));
    expect(noticeOf(again, "restarted")?.layer).toBe(bad);
    expect(noticesOf(again)).not.toContain("skipped");
  });

  it("by chance, once, is measured when the analysis goes on", async () => {
    const bench = smallBench();
    const layers = await layersOf(bench);
    const bad = layers[5] ?? "";
    crashAt(bad, bench, true);
    const server = await bench.start({ settings: quick });
    await server.open(bench.model);
    const told = await server.until(bench.model, (one) => isIdle(one) && noticesOf(one).includes("restarted"));
    expect(noticeOf(told, "restarted")?.layer).toBe(bad);
    await server.request(requests.analyze, { uri: uriOf(bench.model) });
    const last = await server.until(bench.model, isDecided);
    expect(noticesOf(last)).not.toContain("skipped");
    expect(last.layers.every(({ sensitivity }) => Object.keys(sensitivity ?? {}).length === 6)).toBe(true);
  });

  it("is named by a run to files, too, which leaves nothing behind", async () => {
    const bench = smallBench();
    const layers = await layersOf(bench);
    crashAt(layers[3] ?? "", bench);
    const before = filesIn(bench.folder);
    const server = await bench.start({ settings: quick });
    await server.open(bench.model);
    const run = server.request(requests.quantize, { uri: uriOf(bench.model), overwrite: true });
    await expect(run).rejects.toMatchObject({
      data: { code: "SQ6101" },
      message: expect.stringContaining(layers[3] ?? ""),
    });
    expect(filesIn(bench.folder)).toEqual(before);
  });
});
