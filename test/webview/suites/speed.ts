import { describe, expect, it } from "vitest";
import type { EditorPage, WithPage } from "../../support/webview/pageHarness.ts";
import { exampleSnapshot, largeSnapshot } from "../../support/webview/snapshots.ts";

/** Snapshots of the drag. */
const frames = 30;

/** Milliseconds from the arrival of the first snapshot to the drawn table. */
const firstTable = async (editor: EditorPage): Promise<number> =>
  (await editor.page.evaluate(
    `performance.measure("table", "sigmaquant:snapshot", "sigmaquant:painted").duration`,
  )) as number;

/**
 * What the page itself takes; loading and messages are not in it. Limits are several times what a slow machine needs, so that only a
 * change of kind fails: one that looks at every layer where it should look at those in sight.
 */
export function speedSuite(withPage: WithPage): void {
  describe("speed", () => {
    it("draws the first table well within the 300 ms of a first paint", () =>
      withPage({ snapshot: exampleSnapshot() }, async (editor) => {
        expect(await firstTable(editor)).toBeLessThan(200);
      }));

    it("draws the first table of 10,000 layers hardly later", () =>
      withPage({ snapshot: largeSnapshot(10_000) }, async (editor) => {
        expect(await firstTable(editor)).toBeLessThan(300);
      }));

    it("lays the page out once for each snapshot of a drag", () =>
      withPage({ snapshot: exampleSnapshot() }, async (editor) => {
        const devtools = await editor.page.context().newCDPSession(editor.page);
        await devtools.send("Performance.enable");
        const layouts = async (): Promise<number> => {
          const { metrics } = await devtools.send("Performance.getMetrics");
          return metrics.find((m) => m.name === "LayoutCount")?.value ?? Number.NaN;
        };
        const before = await layouts();
        // Snapshots like those of a drag: other limits, uses, bits and bytes with each frame.
        await editor.page.evaluate(`(async () => {
          const snapshot = ${JSON.stringify(exampleSnapshot())};
          for (let n = 2; n <= ${frames + 1}; n++) {
            const layers = snapshot.layers.map((l, i) => ({ ...l, bytes: l.bytes + n, weightBits: l.weightBits && [2, 4, 6, 8][(i + n) % 4] }));
            const budgets = snapshot.budgets.map((b) => ({ ...b, use: b.use * (1 + n / 1000), limit: b.limit * (1 - n / 1000) }));
            window.postMessage({ type: "snapshot", snapshot: { ...snapshot, sequence: n, layers, budgets } }, "*");
            await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
          }
        })()`);
        // A read of a size in the middle of a drawing would add one or more to each.
        expect((await layouts()) - before).toBeLessThanOrEqual(frames * 1.2);
        await devtools.detach();
      }));
  });
}
