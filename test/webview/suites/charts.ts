import { describe, expect, it } from "vitest";
import type { EditorPage, WithPage } from "../../support/webview/pageHarness.ts";
import { exampleHistogram, exampleSnapshot, largeSnapshot } from "../../support/webview/snapshots.ts";

const tab = (editor: EditorPage, name: string): Promise<void> => editor.page.getByRole("tab", { name }).click();
const chart = (editor: EditorPage) => editor.find(".chart:visible");
const side = (editor: EditorPage) => editor.find(".side:visible");

/** Pixels that are not empty in the chart in sight. */
const inked = async (editor: EditorPage): Promise<number> => {
  const length = (await editor.read(
    ".chart canvas",
    `e.getContext("2d").getImageData(0, 0, e.width, e.height).data.filter((v, i) => i % 4 === 3 && v > 0).length`,
  )) as number;
  return length;
};

/** The five tabs: drawn, readable as tables, reachable by keys, and ways to choose from them. */
export function chartsSuite(withPage: WithPage): void {
  describe("charts", () => {
    const snapshot = exampleSnapshot("max78000");

    it.each([
      ["Bits along the network", "Bytes and bits of each of 23 layers in network order", "Bits, 3.1 on average"],
      ["Sensitivity", "KL of the softmax of each layer at 2, 4, 8 bits, logarithmic", "on 256 calibration samples"],
      ["Pareto", "Loss, points against weight memory", "Select a point to preview its bits."],
      ["Search", "Path of the search: 9 steps", "Search, 8 steps in 31 s"],
    ])("draws %s, with its figures beside it", (name, label, beside) =>
      withPage({ snapshot }, async (editor) => {
        await tab(editor, name);
        await expect.poll(() => chart(editor).getAttribute("aria-label")).toContain(label);
        expect(await inked(editor)).toBeGreaterThan(2000);
        expect(await side(editor).innerText()).toContain(beside);
        expect(await editor.page.getByRole("tab", { name }).getAttribute("aria-selected")).toBe("true");
      }),
    );

    it("draws the weights of the selected layer with the levels of the bits that one picks", () =>
      withPage({ snapshot }, async (editor) => {
        await tab(editor, "Weights");
        await editor.row("layer2.0.conv1").locator(".cell-name").click();
        await editor.message({ type: "askHistogram", layer: "layer2.0.conv1" });
        await editor.send({ type: "histogram", histogram: exampleHistogram("layer2.0.conv1") });
        await expect.poll(() => chart(editor).getAttribute("aria-label")).toContain("with 15 levels at 4 bits");
        expect(await side(editor).innerText()).toContain("1,152 weights in 61 bins, all 32 channels");
        expect(await side(editor).innerText()).toContain("0.4 % of the weights are clipped.");
        await side(editor).locator("tr[data-id='2']").click();
        await expect.poll(() => chart(editor).getAttribute("aria-label")).toContain("with 3 levels at 2 bits");
      }));

    it("shows each chart as a table", () =>
      withPage({ snapshot }, async (editor) => {
        const show = editor.page.getByRole("button", { name: "Show as table" });
        expect(await show.getAttribute("aria-pressed")).not.toBe("true");
        await show.click();
        const table = editor.find(".chart-table:visible");
        await expect.poll(() => table.locator("tbody tr").count()).toBe(23);
        await tab(editor, "Pareto");
        await expect.poll(() => table.innerText()).toContain("Uniform 8");
        await tab(editor, "Search");
        await expect.poll(() => table.innerText()).toContain("bit-increase");
        await editor.page.getByRole("button", { name: "Show as chart" }).click();
        await expect.poll(() => chart(editor).count()).toBe(1);
      }));

    it("selects a layer by its bar and scrolls the table to it", () =>
      withPage({ snapshot }, async (editor) => {
        const area = await chart(editor).boundingBox();
        // The last of 23 bars.
        await chart(editor).click({ position: { x: (area?.width ?? 0) - 20, y: 120 } });
        await expect.poll(() => editor.row("fc").getAttribute("aria-selected")).toBe("true");
        const [row, rows] = await Promise.all([editor.row("fc").boundingBox(), editor.find(".rows").boundingBox()]);
        expect(row?.y).toBeLessThanOrEqual((rows?.y ?? 0) + (rows?.height ?? 0) - 22);
      }));

    it("goes through points by keys and chooses with Enter", () =>
      withPage({ snapshot }, async (editor) => {
        await tab(editor, "Pareto");
        await chart(editor).focus();
        await editor.page.keyboard.press("ArrowRight");
        await editor.page.keyboard.press("ArrowRight");
        await expect
          .poll(() => editor.find(".unseen[role=status]").innerText())
          .toContain("Plan 2, 25.00 KiB, −1.5 points expected");
        await editor.page.keyboard.press("Enter");
        await editor.message({ type: "choosePareto", index: 1 });
      }));

    it("previews the plan of a point that is clicked", () =>
      withPage({ snapshot }, async (editor) => {
        await tab(editor, "Pareto");
        // The left end of the front.
        await chart(editor).click({ position: { x: 104, y: 81 } });
        await editor.message({ type: "choosePareto", index: 0 });
      }));

    it("tells what the pointer is on", () =>
      withPage({ snapshot }, async (editor) => {
        await chart(editor).hover({ position: { x: 60, y: 150 } });
        await expect.poll(() => editor.find(".hover").innerText()).toMatch(/1\s+conv1\s+8 bits\s+300 B/);
      }));

    it("draws lines of all bitwidths on request", () =>
      withPage({ snapshot }, async (editor) => {
        await tab(editor, "Sensitivity");
        await editor.page.getByRole("checkbox", { name: "All 5 bitwidths" }).click();
        await expect.poll(() => chart(editor).getAttribute("aria-label")).toContain("at 2, 3, 4, 6, 8 bits");
      }));

    it("draws 10,000 layers as bars of several", () =>
      withPage({ snapshot: largeSnapshot(10_000) }, async (editor) => {
        expect(await inked(editor)).toBeGreaterThan(20_000);
        await chart(editor).hover({ position: { x: 500, y: 100 } });
        await expect.poll(() => editor.find(".hover").innerText()).toMatch(/Layers [\d]+ to [\d]+/);
      }));

    it("moves between tabs by arrow keys", () =>
      withPage({ snapshot }, async (editor) => {
        await editor.page.getByRole("tab", { name: "Bits along the network" }).focus();
        await editor.page.keyboard.press("ArrowRight");
        await expect
          .poll(() => editor.page.getByRole("tab", { name: "Sensitivity" }).getAttribute("aria-selected"))
          .toBe("true");
        const panel = await editor.page.getByRole("tab", { name: "Sensitivity" }).getAttribute("aria-controls");
        expect(await editor.find(`#${panel}`).getAttribute("role")).toBe("tabpanel");
      }));
  });
}
