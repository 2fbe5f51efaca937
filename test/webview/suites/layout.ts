import { describe, expect, it } from "vitest";
import type { EditorPage, WithPage } from "../../support/webview/pageHarness.ts";
import { exampleComparison, exampleSnapshot, next } from "../../support/webview/snapshots.ts";
import type { ThemeName } from "../../support/webview/themes.ts";

const columns = (editor: EditorPage): Promise<string[]> =>
  editor.find("[role=columnheader] .head-name").allInnerTexts();

/** What reaches beyond the window's right edge, unless a box within the page (a line with an ellipsis, the rows) cuts it off on purpose. */
const tooWide = (editor: EditorPage): Promise<unknown> =>
  editor.page.evaluate(`(() => {
    const beyond = (e) => e.getBoundingClientRect().right > innerWidth + 1;
    const isCut = (e) => {
      for (let a = e.parentElement; a && !a.matches(".page, .layers, .comparison, .compared-body"); a = a.parentElement) {
        if (getComputedStyle(a).overflowX !== "visible" && !beyond(a)) return true;
      }
      return false;
    };
    const wide = [...document.querySelectorAll(".page *")].filter((e) => e.checkVisibility() && beyond(e) && !isCut(e));
    return [...wide.map((e) => e.className || e.localName), ...(document.documentElement.scrollWidth > innerWidth ? ["page"] : [])];
  })()`);

/** Folding by width, themes, scrolling. */
export function layoutSuite(withPage: WithPage): void {
  describe("layout", () => {
    const snapshot = exampleSnapshot("max78000");

    it.each([400, 420, 560, 640, 760, 900, 1079, 1080, 1280, 1600, 1900])(
      "never scrolls sideways at %i pixels",
      (width) =>
        withPage({ snapshot, width }, async (editor) => {
          expect(await tooWide(editor)).toEqual([]);
          await editor.show(next(snapshot, { comparison: exampleComparison() }));
          expect(await tooWide(editor)).toEqual([]);
        }),
    );

    it("has all columns on a wide page and folds them away in order", () =>
      withPage({ snapshot }, async (editor) => {
        expect(await columns(editor)).toHaveLength(14);
        await editor.page.setViewportSize({ width: 900, height: 860 });
        await expect
          .poll(() => columns(editor))
          .toEqual(
            ["#", "Layer", "σ", "Sensitivity", "W bits", "A bits", "Bytes", "Latency", "Share of loss"].toSpliced(
              2,
              0,
              "Op",
            ),
          );
        await editor.page.setViewportSize({ width: 640, height: 860 });
        await expect
          .poll(() => columns(editor))
          .toEqual(["#", "Layer", "Sensitivity", "W bits", "Bytes", "Share of loss"]);
        await editor.page.setViewportSize({ width: 400, height: 860 });
        await expect.poll(() => columns(editor)).toEqual(["Layer", "Sensitivity", "W bits", "Bytes", "Loss"]);
      }));

    it("shows a folded column when someone asks for it", () =>
      withPage({ snapshot, width: 900 }, async (editor) => {
        await editor.page.getByRole("button", { name: "Choose columns" }).click();
        await editor.page.getByRole("menuitemcheckbox", { name: "Params" }).click();
        await expect.poll(() => columns(editor)).toContain("Params");
      }));

    it("tells on hover what folded columns hold", () =>
      withPage({ snapshot, width: 400 }, async (editor) => {
        await editor.row("conv1").locator(".cell-name").hover();
        await expect.poll(() => editor.find(".hover").innerText()).toMatch(/Parameters\s+216/);
        expect(await editor.find(".hover").innerText()).toMatch(/Latency\s+0\.121 ms/);
      }));

    it("has gauges on one line each, a disclosure and a dropdown of charts on a narrow page", () =>
      withPage({ snapshot, width: 400 }, async (editor) => {
        const heights = await Promise.all(
          (await editor.find(".gauge").all()).map(async (g) => (await g.boundingBox())?.height),
        );
        expect(heights).toEqual([22, 22, 22, 22, 22]);
        const disclosure = editor.page.getByRole("button", { name: "256 samples, SigmaQuant, target −1.0 points" });
        expect(await disclosure.getAttribute("aria-expanded")).toBe("false");
        expect(await editor.page.getByRole("combobox", { name: "Strategy" }).isVisible()).toBe(false);
        await disclosure.click();
        await expect.poll(() => editor.page.getByRole("combobox", { name: "Strategy" }).isVisible()).toBe(true);
        expect(await editor.page.getByRole("tab", { name: "Pareto" }).isVisible()).toBe(false);
        await editor.page.getByRole("combobox", { name: "Chart" }).click();
        await editor.page.getByRole("option", { name: "Pareto" }).click();
        await expect
          .poll(() => editor.find(".chart:visible").getAttribute("aria-label"))
          .toContain("against weight memory");
        expect(await editor.page.getByRole("button", { name: "Analyze", exact: true }).isVisible()).toBe(false);
        await editor.page.getByRole("button", { name: "More actions" }).click();
        expect(await editor.page.getByRole("menuitem", { name: "Analyze" }).count()).toBe(1);
      }));

    it("puts the panel beside the table on a broad page", () =>
      withPage({ snapshot, width: 1700 }, async (editor) => {
        const [table, panel] = await Promise.all([
          editor.find(".table").boundingBox(),
          editor.find(".panel").boundingBox(),
        ]);
        expect(panel?.x).toBeGreaterThan((table?.x ?? 0) + (table?.width ?? 0) - 1);
        expect(panel?.width).toBe(680);
      }));

    it("keeps eight rows of the table however low the window is, and scrolls instead", () =>
      withPage({ snapshot, height: 420 }, async (editor) => {
        const rows = await editor.find(".rows").boundingBox();
        expect(rows?.height).toBeGreaterThanOrEqual(8 * 22);
        const panel = await editor.find(".panel").boundingBox();
        expect(panel?.height).toBeGreaterThanOrEqual(160);
      }));

    it("resizes the panel by its edge, by hand and by keys", () =>
      withPage({ snapshot }, async (editor) => {
        const sash = editor.page.getByRole("separator", { name: "Height of the panel" });
        await sash.focus();
        await editor.page.keyboard.press("ArrowUp");
        await expect.poll(async () => (await editor.find(".panel").boundingBox())?.height).toBe(312);
        const edge = await sash.boundingBox();
        await editor.page.mouse.move(600, (edge?.y ?? 0) + 2);
        await editor.page.mouse.down();
        await editor.page.mouse.move(600, (edge?.y ?? 0) + 62, { steps: 3 });
        await editor.page.mouse.up();
        await expect.poll(async () => (await editor.find(".panel").boundingBox())?.height).toBe(252);
        await editor.page.getByRole("button", { name: "Close panel" }).click();
        await expect.poll(() => editor.find(".panel").isVisible()).toBe(false);
        await editor.page.getByRole("button", { name: "Show charts" }).click();
        await expect.poll(() => editor.find(".panel").isVisible()).toBe(true);
        await editor.page.getByRole("button", { name: "Maximize panel" }).click();
        await expect.poll(() => editor.find(".table").isVisible()).toBe(false);
      }));

    it.each<ThemeName>(["dark", "light", "hc", "hcLight"])(
      "draws in the %s theme and follows a change of it",
      (theme) =>
        withPage({ snapshot, theme }, async (editor) => {
          const picture = () => editor.read(".chart canvas", "e.toDataURL()");
          const before = await picture();
          await editor.page.evaluate(`document.documentElement.style.setProperty("--vscode-charts-blue", "#123456"),
          document.documentElement.style.setProperty("--vscode-foreground", "#654321")`);
          await expect.poll(picture).not.toBe(before);
        }),
    );

    it("has outlines in place of fills in high contrast", () =>
      withPage({ snapshot, theme: "hc" }, async (editor) => {
        const outline = await editor.read(".bar", "getComputedStyle(e).outlineColor");
        expect(outline).toBe("rgb(111, 195, 223)");
        await editor.row("conv1").locator(".cell-name").click();
        const row = await editor.read(".row.selected", "getComputedStyle(e).outlineColor");
        expect(row).toBe("rgb(243, 133, 24)");
      }));
  });
}
