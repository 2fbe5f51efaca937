import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { ui } from "../../support/vscode/client.ts";
import { analyzed, closeAll, file, longTestMs, openModel, prepare } from "../suite/support.ts";

/** Four seconds of them. */
const frames = 240;
/** Of a screen with 60 Hz; a frame that comes late makes two of them one. */
const frameMs = 1000 / 60;

describe("dragging a budget", () => {
  it("has the table, the gauges and the charts follow at 60 frames a second", async function () {
    this.timeout(longTestMs);
    await prepare();
    try {
      await openModel(file("mobilenetv2.onnx"));
      await analyzed();
      const gaps = await ui.webview.dragFrames(".gauge [role=slider]", -80, frames);
      await ui.webview.waitFor(".banner", "Trying");
      const sorted = [...gaps].sort((a, b) => a - b);
      const median = sorted[sorted.length >> 1] as number;
      const late = gaps.filter((gap) => gap > 1.5 * frameMs).length;
      const rate = (1000 * gaps.length) / gaps.reduce((sum, gap) => sum + gap, 0);
      console.log(
        `      ${rate.toFixed(1)} frames a second, median ${median.toFixed(1)} ms, ${late} of ${gaps.length} late, the latest ${sorted.at(-1)?.toFixed(0)} ms`,
      );
      assert.ok(median <= 1.1 * frameMs, `${median} ms`);
    } finally {
      await closeAll();
    }
  });
});
