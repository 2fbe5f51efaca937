import { describe, expect, it } from "vitest";
import type { WithPage } from "../../support/webview/pageHarness.ts";
import { exampleComparison, exampleSnapshot, next } from "../../support/webview/snapshots.ts";

/** What a run has made, beside the float model. */
export function comparisonSuite(withPage: WithPage): void {
  describe("comparison", () => {
    const snapshot = exampleSnapshot("max78000");
    const compared = next(snapshot, { comparison: exampleComparison() });

    it("comes when a run has ended", () =>
      withPage({ snapshot }, async (editor) => {
        await editor.show(compared);
        expect(await editor.find(".comparison .name").innerText()).toBe("resnet20-w8.max78000.onnx");
        expect(await editor.find(".comparison .facts").innerText()).toMatch(
          /quantized from resnet20-w8\.onnx.*for MAX78000.*took 48 s/s,
        );
        const table = editor.page.getByRole("table", { name: "Float beside quantized" });
        const rows = (await table.getByRole("row").allInnerTexts()).map((r) => r.replace(/\s+/g, " ").trim());
        expect(rows).toContain("Top-1 accuracy 88.9 % 88.5 % −0.4 points 88.9 % 88.4 % 74.7 %");
        expect(rows).toContain("File 271.4 KiB 44.9 KiB −83 % 86.0 KiB 52.6 KiB 35.8 KiB");
        expect(rows).toContain("Latency – 3.65 ms 4.98 ms 3.53 ms 2.81 ms");
        expect(rows.at(-1)).toBe("Verdict – Fits Does not fit Does not fit Loss too high");
      }));

    it("has room for a baseline at each bitwidth, scrolled to where it is too little, with nothing over another", () => {
      const comparison = exampleComparison();
      const [baseline] = comparison.columns.filter(({ kind }) => kind === "baseline");
      if (!baseline) throw new Error("the example has baselines");
      const others = [6, 5, 3].map((bits) => ({ ...baseline, title: `Uniform ${bits}` }));
      const many = { ...comparison, columns: [...comparison.columns, ...others] };
      return withPage({ snapshot: next(snapshot, { comparison: many }) }, async (editor) => {
        for (const width of [1600, 1220, 1080, 900]) {
          await editor.page.setViewportSize({ width, height: 900 });
          const [table, side] = await Promise.all(
            [".compared-main", ".compared-side"].map((part) => editor.find(part).boundingBox()),
          );
          expect((table?.x ?? 0) + (table?.width ?? 0)).toBeLessThanOrEqual(width);
          expect(side?.y).toBeGreaterThanOrEqual((table?.y ?? 0) + (table?.height ?? 0));
        }
      });
    });

    it("marks what is over its budget, by more than colour", () =>
      withPage({ snapshot: compared }, async (editor) => {
        const over = await editor.find(".over-cell").allInnerTexts();
        expect(over).toEqual(["72.0 KiB", "38.8 KiB", "341 µJ", "660 M"]);
        expect(await editor.find(".over-cell").first().getByRole("img", { name: "over its budget" }).count()).toBe(1);
      }));

    it("gives the interval of the paired difference", () =>
      withPage({ snapshot: compared }, async (editor) => {
        expect(await editor.find(".comparison .verdict").innerText()).toContain(
          "measured on 2,000 samples, ±0.8 (95 %)",
        );
      }));

    it("counts the predictions that changed", () =>
      withPage({ snapshot: compared }, async (editor) => {
        expect(await editor.page.getByRole("img", { name: "104 of 2,000 predictions changed" }).count()).toBe(1);
        expect(await editor.find(".compared-side").innerText()).toMatch(/Right before, wrong now\s+39/);
      }));

    it("opens the files that were written, by their place in the list", () =>
      withPage({ snapshot: compared }, async (editor) => {
        await editor.page.getByRole("button", { name: "resnet20-w8.max78000.report.md" }).click();
        await editor.message({ type: "openFile", index: 2 });
        await editor.page.getByRole("button", { name: "Open Report" }).click();
        await editor.message({ type: "command", command: "openReport" });
      }));

    it("leads back to the layers and stays there with the next snapshots", () =>
      withPage({ snapshot: compared }, async (editor) => {
        await editor.find(".comparison").getByRole("button", { name: "resnet20-w8.onnx", exact: true }).click();
        await expect.poll(() => editor.row("conv1").isVisible()).toBe(true);
        await editor.show(next(compared, {}));
        expect(await editor.row("conv1").isVisible()).toBe(true);
        await editor.page.getByRole("button", { name: "Comparison", exact: true }).click();
        await expect.poll(() => editor.find(".comparison").isVisible()).toBe(true);
      }));
  });
}
