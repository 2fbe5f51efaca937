import { describe, expect, it } from "vitest";
import type { EditorPage, WithPage } from "../../support/webview/pageHarness.ts";
import { exampleSnapshot, largeSnapshot } from "../../support/webview/snapshots.ts";

const press = async (editor: EditorPage, ...keys: readonly string[]): Promise<void> => {
  for (const key of keys) await editor.page.keyboard.press(key);
};

/** The layer that has the keyboard, and the column. */
const focused = (editor: EditorPage): Promise<unknown> =>
  editor.page.evaluate(`[
    document.activeElement?.closest(".row")?.dataset.layer,
    document.activeElement?.closest("[data-column]")?.dataset.column,
  ]`);

const selected = (editor: EditorPage): Promise<unknown> =>
  editor.page.evaluate(`[...document.querySelectorAll(".row[aria-selected=true]")].map((r) => r.dataset.layer)`);

/** Clicks a row's name: it has the keyboard from then on. */
const enterTable = (editor: EditorPage, layer: string): Promise<void> =>
  editor.row(layer).locator(".cell-name").click();

/** Where Tab leads to. */
const tabStop = (editor: EditorPage) => editor.find('.grid [tabindex="0"]');

const filter = (editor: EditorPage, text: string): Promise<void> =>
  editor.page.getByRole("textbox", { name: "Filter layers" }).fill(text);

/** The table's keyboard: DESIGN-NOTES 5. */
export function keyboardSuite(withPage: WithPage): void {
  describe("keyboard", () => {
    const snapshot = exampleSnapshot("max78000");

    it("reaches the table by one stop of Tab", () =>
      withPage({ snapshot }, async (editor) => {
        const stops = '.grid [tabindex="0"]';
        expect(await editor.find(stops).count()).toBe(1);
        await enterTable(editor, "layer1.1.conv1");
        expect(await editor.find(stops).count()).toBe(1);
        await press(editor, "ArrowRight", "ArrowDown");
        expect(await editor.find(stops).count()).toBe(1);
      }));

    it("moves by rows and cells and keeps the row in sight", () =>
      withPage({ snapshot }, async (editor) => {
        await enterTable(editor, "conv1");
        await press(editor, "ArrowDown", "ArrowDown", "ArrowRight");
        expect(await focused(editor)).toEqual(["layer1.0.conv2", "op"]);
        await press(editor, "End");
        expect(await focused(editor)).toEqual(["fc", "op"]);
        const [row, rows] = await Promise.all([editor.row("fc").boundingBox(), editor.find(".rows").boundingBox()]);
        expect((row?.y ?? 0) + (row?.height ?? 0)).toBeLessThanOrEqual((rows?.y ?? 0) + (rows?.height ?? 0) + 0.5);
        await press(editor, "Home", "ArrowLeft", "ArrowLeft");
        expect(await focused(editor)).toEqual(["conv1", "index"]);
      }));

    it("pages through 10,000 layers and keeps the keyboard where it is when one scrolls away", () =>
      withPage({ snapshot: largeSnapshot(10_000) }, async (editor) => {
        await enterTable(editor, "block0.conv1");
        await press(editor, "End");
        expect(await focused(editor)).toEqual(["block434.layer3.1.conv1", "name"]);
        await press(editor, "PageUp", "Home", "PageDown");
        const before = await focused(editor);
        await editor.read(".rows", "(e.scrollTop = 150000)");
        await press(editor, "ArrowDown");
        expect(await focused(editor)).not.toEqual(before);
        expect(await editor.read(".rows", "e.scrollTop < 1000")).toBe(true);
      }));

    it("extends the selection with Shift and takes all with Ctrl+A", () =>
      withPage({ snapshot, height: 1200 }, async (editor) => {
        await enterTable(editor, "layer1.0.conv1");
        await press(editor, "Shift+ArrowDown", "Shift+ArrowDown");
        expect(await selected(editor)).toEqual(["layer1.0.conv1", "layer1.0.conv2", "layer1.1.conv1"]);
        await press(editor, "Shift+ArrowUp");
        expect(await selected(editor)).toEqual(["layer1.0.conv1", "layer1.0.conv2"]);
        await press(editor, "Control+a");
        await expect.poll(async () => ((await selected(editor)) as string[]).length).toBe(23);
      }));

    it("goes to the plan's line with Enter, and to the menu of bits on W bits", () =>
      withPage({ snapshot }, async (editor) => {
        await enterTable(editor, "layer2.0.conv1");
        await press(editor, "Enter");
        await editor.message({ type: "openPlanAt", layer: "layer2.0.conv1" });
        await editor
          .row("layer2.0.conv1")
          .locator(".cell-weightBits")
          .click({ position: { x: 95, y: 10 } });
        await press(editor, "F2");
        expect(await editor.page.getByRole("menu", { name: "Bits of layer2.0.conv1" }).count()).toBe(1);
        await press(editor, "Escape");
        expect(await editor.page.getByRole("menu").count()).toBe(0);
        expect(await focused(editor)).toEqual(["layer2.0.conv1", "weightBits"]);
      }));

    it("sets bits, steps, pins and resets the selected rows", () =>
      withPage({ snapshot }, async (editor) => {
        await enterTable(editor, "layer2.0.conv1");
        await press(editor, "Shift+ArrowDown", "8");
        await editor.message({ type: "setBits", layers: ["layer2.0.conv1", "layer2.0.conv2"], bits: 8 });
        // Goes on from the 8 bits, and the pin that comes with them, which the host has not answered yet.
        await press(editor, "-");
        await editor.message({ type: "setBits", layers: ["layer2.0.conv1", "layer2.0.conv2"], bits: 4 });
        await press(editor, "p");
        await editor.message({ type: "setPinned", layers: ["layer2.0.conv1", "layer2.0.conv2"], pinned: false });
        await enterTable(editor, "layer2.1.conv1");
        await editor.forget();
        await press(editor, "3");
        // MAX78000 has no 3 bits.
        expect(await editor.messages()).toEqual([]);
        await expect.poll(() => editor.find(".unseen").innerText()).toContain("3 bits: not on MAX78000");
      }));

    it("unpins and resets a pinned row", () =>
      withPage({ snapshot, height: 1200 }, async (editor) => {
        await enterTable(editor, "layer3.0.conv1");
        await press(editor, "p");
        await editor.message({ type: "setPinned", layers: ["layer3.0.conv1"], pinned: false });
        await press(editor, "p");
        await editor.message({ type: "setPinned", layers: ["layer3.0.conv1"], pinned: true });
        await press(editor, "Delete");
        await editor.message({ type: "resetBits", layers: ["layer3.0.conv1"] });
      }));

    it("edits the row that Tab leads to, though none was chosen yet", () =>
      withPage({ snapshot }, async (editor) => {
        await tabStop(editor).focus();
        expect(await focused(editor)).toEqual(["conv1", "name"]);
        await press(editor, "4");
        await editor.message({ type: "setBits", layers: ["conv1"], bits: 4 });
        await press(editor, "p");
        await editor.message({ type: "setPinned", layers: ["conv1"], pinned: false });
        await press(editor, "Space");
        expect(await selected(editor)).toEqual(["conv1"]);
        await press(editor, "ArrowDown", "Control+Space");
        expect(await selected(editor)).toEqual([]);
      }));

    it("edits what is shown, not what is filtered out", () =>
      withPage({ snapshot }, async (editor) => {
        await enterTable(editor, "layer2.0.conv1");
        await filter(editor, "layer1");
        await tabStop(editor).focus();
        await press(editor, "8");
        const [shown = ""] = (await focused(editor)) as string[];
        expect(shown).toMatch(/^layer1/);
        await editor.message({ type: "setBits", layers: [shown], bits: 8 });
        await press(editor, "Enter");
        await editor.message({ type: "openPlanAt", layer: shown });
        await press(editor, "Shift+F10");
        expect(await editor.page.getByRole("menu", { name: `Bits of ${shown}` }).count()).toBe(1);
        await press(editor, "Escape", "Space");
        expect(await selected(editor)).toEqual([shown]);
      }));

    it("edits those of the selected rows that are shown", () =>
      withPage({ snapshot }, async (editor) => {
        await enterTable(editor, "layer2.0.conv1");
        await press(editor, "Shift+ArrowDown");
        await filter(editor, "layer2.0.conv2");
        await tabStop(editor).focus();
        await press(editor, "8");
        await editor.message({ type: "setBits", layers: ["layer2.0.conv2"], bits: 8 });
      }));

    it("copies the selection with Ctrl+C", () =>
      withPage({ snapshot }, async (editor) => {
        await enterTable(editor, "conv1");
        await press(editor, "Shift+ArrowDown", "Control+c");
        const message = await editor.message({ type: "copy" });
        expect(message.type === "copy" && message.text.trimEnd().split("\r\n")).toHaveLength(3);
      }));

    it("goes to the filter with / and Ctrl+F, and back with Escape", () =>
      withPage({ snapshot }, async (editor) => {
        await enterTable(editor, "conv1");
        await press(editor, "/");
        await editor.page.keyboard.type("layer1/");
        const field = editor.page.getByRole("textbox", { name: "Filter layers" });
        expect(await field.inputValue()).toBe("layer1/");
        await press(editor, "Escape");
        expect(await field.inputValue()).toBe("");
        expect(await focused(editor)).toEqual(["conv1", "name"]);
        await press(editor, "Control+f");
        expect(await editor.page.evaluate("document.activeElement.localName")).toBe("vscode-text-field");
      }));

    it("sorts and opens the columns' menu from the header", () =>
      withPage({ snapshot }, async (editor) => {
        await enterTable(editor, "conv1");
        await press(editor, "ArrowUp", "ArrowRight", "ArrowRight", "ArrowRight", "Enter");
        const params = editor.page.getByRole("columnheader", { name: "Params" });
        await expect.poll(() => params.getAttribute("aria-sort")).toBe("descending");
        await press(editor, "Shift+F10");
        expect(await editor.page.getByRole("menu", { name: "Columns" }).count()).toBe(1);
        await press(editor, "Escape", "ArrowDown");
        expect(await focused(editor)).toEqual(["layer3.0.conv2", "params"]);
      }));
  });
}
