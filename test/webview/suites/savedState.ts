import { describe, expect, it } from "vitest";
import type { EditorPage, WithPage } from "../../support/webview/pageHarness.ts";
import { exampleHistogram, exampleSnapshot, largeSnapshot, next } from "../../support/webview/snapshots.ts";

const filterField = (editor: EditorPage) => editor.page.getByRole("textbox", { name: "Filter layers" });

/** Waits until the page has kept a state that has this text. */
const kept = (editor: EditorPage, text: string): Promise<unknown> =>
  editor.until(`(sessionStorage.getItem("state") ?? "").includes(${JSON.stringify(text)})`);

/** What a person has chosen outlives the page; what the model says comes anew. */
export function savedStateSuite(withPage: WithPage): void {
  describe("state", () => {
    const snapshot = exampleSnapshot("max78000");

    it("comes back with the page: selection, sort, filter, columns, tab, panel", () =>
      withPage({ snapshot }, async (editor) => {
        await editor.page.getByRole("columnheader", { name: "Bytes" }).click();
        await filterField(editor).fill("layer3");
        await editor.page.getByRole("button", { name: "Choose columns" }).click();
        await editor.page.getByRole("menuitemcheckbox", { name: "Energy" }).click();
        await editor.page.keyboard.press("Escape");
        await editor.page.getByRole("tab", { name: "Search" }).click();
        await editor.page.getByRole("separator", { name: "Height of the panel" }).focus();
        await editor.page.keyboard.press("ArrowUp");
        await editor.row("layer3.1.conv1").locator(".cell-name").click();
        await kept(editor, '"selection":["layer3.1.conv1"]');

        await editor.reload();
        await editor.show(snapshot);
        expect((await editor.rowNames())[0]).toBe("layer3.2.conv2");
        expect(await filterField(editor).inputValue()).toBe("layer3");
        expect(await editor.find(".count").innerText()).toBe("7 of 23 layers");
        expect(await editor.page.getByRole("columnheader", { name: "Energy" }).count()).toBe(0);
        expect(await editor.page.getByRole("tab", { name: "Search" }).getAttribute("aria-selected")).toBe("true");
        expect((await editor.find(".panel").boundingBox())?.height).toBe(312);
        expect(await editor.row("layer3.1.conv1").getAttribute("aria-selected")).toBe("true");
      }));

    it("comes back where it was scrolled to", () => {
      const large = largeSnapshot(10_000);
      return withPage({ snapshot: large }, async (editor) => {
        await editor.read(".rows", "(e.scrollTop = 44000)");
        await kept(editor, '"scrollTop":44000');
        await editor.reload();
        await editor.show(large);
        expect(await editor.read(".rows", "e.scrollTop")).toBe(44_000);
        expect(await editor.rowNames()).toContain(large.layers[2000]?.name);
      });
    });

    it("starts anew from a state that is not its own", () =>
      withPage({ snapshot }, async (editor) => {
        for (const state of [
          '{"version":99}',
          '{"version":1,"view":{"sort":7,"selection":"x","scrollTop":-1,"tab":"evil","columns":[1]}}',
        ]) {
          await editor.page.evaluate(`sessionStorage.setItem("state", ${JSON.stringify(state)})`);
          await editor.reload();
          await editor.show(snapshot);
          expect((await editor.rowNames())[0]).toBe("conv1");
          expect(await editor.complaints()).toEqual([]);
        }
      }));

    it("asks for a snapshot whenever it starts", () =>
      withPage({ snapshot }, async (editor) => {
        await editor.reload();
        expect(await editor.messages()).toEqual([{ type: "ready" }]);
      }));

    it("drops a snapshot that is older than what it shows", () =>
      withPage(
        { snapshot: next(next(snapshot, { fileName: "new.onnx" }), { fileName: "new.onnx" }) },
        async (editor) => {
          await editor.show({ ...snapshot, fileName: "old.onnx" });
          expect(await editor.find(".name").innerText()).toBe("new.onnx");
        },
      ));

    it("reveals a layer that the extension names, and clears a filter that hides it", () =>
      withPage({ snapshot }, async (editor) => {
        await filterField(editor).fill("layer1");
        await editor.send({ type: "reveal", layer: "fc" });
        await expect.poll(() => editor.row("fc").getAttribute("aria-selected")).toBe("true");
        expect(await editor.find(".count").innerText()).toContain("23 layers");
      }));

    it("asks for a histogram again when the weights have changed", () =>
      withPage({ snapshot }, async (editor) => {
        await editor.page.getByRole("tab", { name: "Weights" }).click();
        await editor.row("conv1").locator(".cell-name").click();
        await editor.message({ type: "askHistogram", layer: "conv1" });
        await editor.send({ type: "histogram", histogram: exampleHistogram("conv1") });
        await expect.poll(() => editor.find(".chart:visible").count()).toBe(1);
        await editor.forget();
        await editor.show(next(snapshot, {}));
        expect(await editor.messages()).toEqual([]);
        const layers = snapshot.layers.map((l) => (l.name === "conv1" ? { ...l, sigma: 0.2 } : l));
        await editor.show(next(next(snapshot, {}), { layers }));
        await editor.message({ type: "askHistogram", layer: "conv1" });
      }));
  });
}
