import { describe, expect, it } from "vitest";
import type { EditorPage, WithPage } from "../../support/webview/pageHarness.ts";
import { exampleSnapshot, next } from "../../support/webview/snapshots.ts";

const select = (editor: EditorPage, layer: string): Promise<void> => editor.row(layer).locator(".cell-name").click();

/** Bits: steppers, pins, the menu, what a change looks like. */
export function editsSuite(withPage: WithPage): void {
  describe("editing bits", () => {
    const snapshot = exampleSnapshot("max78000");

    it("steps to the device's next bitwidths on the selected row", () =>
      withPage({ snapshot }, async (editor) => {
        await select(editor, "layer2.0.conv1");
        const stepper = editor.page.getByRole("spinbutton", { name: "Weight bits of layer2.0.conv1" });
        expect(await stepper.getAttribute("aria-valuetext")).toBe("4 bits");
        expect(await stepper.getAttribute("aria-valuenow")).toBe("4");
        await editor.row("layer2.0.conv1").locator("[data-do=more]").click();
        await editor.message({ type: "setBits", layers: ["layer2.0.conv1"], bits: 8 });
        // Goes on from the 8 bits that the host has not answered yet.
        await editor.row("layer2.0.conv1").locator("[data-do=less]").click();
        await editor.message({ type: "setBits", layers: ["layer2.0.conv1"], bits: 4 });
        await editor.row("layer2.0.conv1").locator("[data-do=pin]").click();
        await editor.message({ type: "setPinned", layers: ["layer2.0.conv1"], pinned: false });
      }));

    it("shows the stepper on the hovered row, and why a step is not there", () =>
      withPage({ snapshot }, async (editor) => {
        await editor.row("conv1").hover();
        const more = editor.row("conv1").locator("[data-do=more]");
        expect(await more.getAttribute("title")).toBe("8 bits is the most on MAX78000");
        await more.click();
        expect((await editor.messages()).some((m) => m.type === "setBits")).toBe(false);
        await editor.row("layer2.1.conv2").hover();
        expect(await editor.row("layer2.1.conv2").locator(".step").isVisible()).toBe(true);
      }));

    it("edits all selected rows at once", () =>
      withPage({ snapshot }, async (editor) => {
        await select(editor, "layer2.0.conv1");
        await editor
          .row("layer2.1.conv1")
          .locator(".cell-name")
          .click({ modifiers: ["Control"] });
        await editor.row("layer2.1.conv1").locator("[data-do=more]").click();
        await editor.message({ type: "setBits", layers: ["layer2.0.conv1", "layer2.1.conv1"], bits: 8 });
      }));

    it("offers bitwidths with what they cost; those that the device lacks are listed and can't be chosen", () =>
      withPage({ snapshot }, async (editor) => {
        await select(editor, "layer2.0.conv2");
        await editor.row("layer2.0.conv2").locator("[data-do=menu]").click();
        const menu = editor.page.getByRole("menu", { name: "Bits of layer2.0.conv2" });
        const texts = (await menu.innerText()).replaceAll("\n", " ");
        expect(texts).toMatch(
          /2 0\.0790 576 B less 3 not on MAX78000 4 0\.0063 now 6 not on MAX78000 8 <0\.0001 1\.13 KiB more/,
        );
        expect(texts).toContain("Pin at 4 bits P Reset to Recommended Delete");
        const three = menu.getByRole("menuitemradio", { name: /^3 bits/ });
        expect(await three.getAttribute("aria-disabled")).toBe("true");
        await three.click({ force: true });
        expect(await menu.count()).toBe(1);
        await menu.getByRole("menuitemradio", { name: /^2 bits/ }).click();
        await editor.message({ type: "setBits", layers: ["layer2.0.conv2"], bits: 2 });
        expect(await editor.page.getByRole("menu").count()).toBe(0);
      }));

    it("has the menu under the right button and the arrow keys in it", () =>
      withPage({ snapshot }, async (editor) => {
        await editor.row("layer2.0.conv2").click({ button: "right" });
        await editor.page.keyboard.press("ArrowDown");
        await editor.page.keyboard.press("ArrowDown");
        await editor.page.keyboard.press("Enter");
        await editor.message({ type: "setBits", layers: ["layer2.0.conv2"], bits: 8 });
      }));

    it("offers no bits for a layer that stays in float", () =>
      withPage({ snapshot, height: 1200 }, async (editor) => {
        await editor.row("se.fc").click({ button: "right" });
        expect(await editor.page.getByRole("menu").count()).toBe(0);
        await editor.row("se.fc").locator(".cell-float").hover();
        await expect.poll(() => editor.find(".hover").innerText()).toContain("The accelerator has no matrix product");
      }));

    it("shows what a changed bit was, pins and what can be done about it", () => {
      const layers = snapshot.layers.map((l) =>
        l.name === "layer2.0.conv1" ? { ...l, weightBits: 2 as const, wasBits: 4 as const, pinned: true } : l,
      );
      return withPage({ snapshot: next(snapshot, { layers }) }, async (editor) => {
        const cell = editor.row("layer2.0.conv1").locator(".cell-weightBits");
        expect(await cell.innerText()).toContain("was 4");
        expect(await cell.getByRole("img", { name: "Pinned" }).isVisible()).toBe(true);
        expect(await editor.find(".count").innerText()).toBe("23 layers, 2 pinned, 1 in float, 1 changed");
        await editor.page.getByRole("button", { name: "Re-allocate" }).click();
        await editor.message({ type: "command", command: "reallocate" });
      });
    });

    it("follows the selection into the histogram of the layer's weights", () =>
      withPage({ snapshot }, async (editor) => {
        await editor.page.getByRole("tab", { name: "Weights" }).click();
        await expect
          .poll(() => editor.find(".chart-empty:visible").innerText())
          .toBe("Select a layer to see its weights.");
        await select(editor, "layer2.0.conv1");
        await editor.message({ type: "askHistogram", layer: "layer2.0.conv1" });
        expect((await editor.messages()).filter((m) => m.type === "askHistogram")).toHaveLength(1);
      }));
  });
}
