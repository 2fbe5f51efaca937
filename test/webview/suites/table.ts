import { describe, expect, it } from "vitest";
import type { EditorPage, WithPage } from "../../support/webview/pageHarness.ts";
import { exampleSnapshot, largeSnapshot, next } from "../../support/webview/snapshots.ts";

const header = (editor: EditorPage, name: string) => editor.find(".grid").getByRole("columnheader", { name });
const filterField = (editor: EditorPage) => editor.page.getByRole("textbox", { name: "Filter layers" });
const counted = (editor: EditorPage) => editor.find(".count");

/** Sorting, filtering, columns, rows that are there only in sight, copying. */
export function tableSuite(withPage: WithPage): void {
  describe("layer table", () => {
    const snapshot = exampleSnapshot("max78000");

    it("has every layer, a header with units, and totals", () =>
      withPage({ snapshot, height: 1200 }, async (editor) => {
        expect(await editor.rowNames()).toEqual(snapshot.layers.map((l) => l.name));
        const grid = editor.page.getByRole("grid", { name: "Layers" });
        expect(await grid.getAttribute("aria-rowcount")).toBe("25");
        expect(await header(editor, "Bytes").innerText()).toMatch(/Bytes\s+KiB/);
        expect(await editor.find(".total-row").innerText()).toMatch(/Total\s+68,504\s+10,315/);
        expect(await editor.row("se.fc").innerText()).toContain("Kept in float: MatMul runs on the CPU");
      }));

    it("sorts a column of numbers descending, then ascending, then not at all", () =>
      withPage({ snapshot }, async (editor) => {
        const bytes = header(editor, "Bytes");
        await bytes.click();
        expect(await bytes.getAttribute("aria-sort")).toBe("descending");
        await expect.poll(async () => (await editor.rowNames())[0]).toBe("layer3.2.conv2");
        await bytes.click();
        expect(await bytes.getAttribute("aria-sort")).toBe("ascending");
        await expect.poll(async () => (await editor.rowNames())[0]).toBe("layer2.0.downsample.0");
        await bytes.click();
        expect(await bytes.getAttribute("aria-sort")).toBe("none");
        await expect.poll(async () => (await editor.rowNames())[0]).toBe("conv1");
      }));

    it("sorts names ascending first, with numbers in them as numbers", () =>
      withPage({ snapshot }, async (editor) => {
        await header(editor, "Layer").click();
        await expect.poll(async () => (await editor.rowNames()).slice(0, 3)).toEqual(["conv1", "fc", "layer1.0.conv1"]);
      }));

    it("keeps rows without a value last, whichever way it sorts", () =>
      withPage({ snapshot, height: 1200 }, async (editor) => {
        await header(editor, "Share of loss").click();
        await expect.poll(async () => (await editor.rowNames()).at(-1)).toBe("se.fc");
        await header(editor, "Share of loss").click();
        await expect.poll(async () => (await editor.rowNames())[0]).not.toBe("layer3.1.conv2");
        expect((await editor.rowNames()).at(-1)).toBe("se.fc");
      }));

    it.each([
      ["downsample", 2],
      ["op:gemm", 1],
      ["bits:<4", 4],
      ["conv bits:<4", 4],
      ["share:>5%", 4],
      ["@pinned", 1],
      ["@float", 1],
      ["@changed", 0],
    ])("filters by %s", (text, count) =>
      withPage({ snapshot }, async (editor) => {
        await filterField(editor).fill(text);
        await expect.poll(() => counted(editor).innerText()).toBe(`${count} of 23 layers`);
        expect(await editor.page.getByRole("grid").getAttribute("aria-rowcount")).toBe(String(count + 2));
      }),
    );

    it("sums the filtered rows, and says so", () =>
      withPage({ snapshot }, async (editor) => {
        await filterField(editor).fill("layer1");
        await expect.poll(() => editor.find(".total-row").innerText()).toMatch(/Total of 6\s+3,456/);
      }));

    it("says that nothing matches and clears the filter on request", () =>
      withPage({ snapshot }, async (editor) => {
        await filterField(editor).fill("depthwise");
        await expect
          .poll(() => editor.find(".empty-table").innerText())
          .toBe('No layer matches "depthwise". Clear Filter');
        await editor.page.getByRole("button", { name: "Clear Filter" }).click();
        await expect.poll(() => counted(editor).innerText()).toBe("23 layers, 1 pinned, 1 in float");
        expect(await filterField(editor).inputValue()).toBe("");
      }));

    it("shows and hides columns, from its button and from the header's own menu", () =>
      withPage({ snapshot }, async (editor) => {
        await editor.page.getByRole("button", { name: "Choose columns" }).click();
        await editor.page.getByRole("menuitemcheckbox", { name: "MACs" }).click();
        expect(await header(editor, "MACs").count()).toBe(0);
        const item = editor.page.getByRole("menuitemcheckbox", { name: "MACs" });
        expect(await item.getAttribute("aria-checked")).toBe("false");
        await editor.page.keyboard.press("Escape");
        await header(editor, "Bytes").click({ button: "right" });
        await editor.page.getByRole("menuitem", { name: "Reset Columns" }).click();
        await expect.poll(() => header(editor, "MACs").count()).toBe(1);
      }));

    it("does not hide the name", () =>
      withPage({ snapshot }, async (editor) => {
        await editor.page.getByRole("button", { name: "Choose columns" }).click();
        const name = editor.page.getByRole("menuitemcheckbox", { name: /^Layer/ });
        expect(await name.getAttribute("aria-disabled")).toBe("true");
        await name.click({ force: true });
        expect(await header(editor, "Layer").count()).toBe(1);
      }));

    it("has only the rows in sight of 10,000, and all of them when one scrolls", () =>
      withPage({ snapshot: largeSnapshot(10_000) }, async (editor) => {
        expect((await editor.rowNames()).length).toBeLessThan(60);
        const canvas = await editor.find(".canvas").boundingBox();
        expect(canvas?.height).toBe(220_000);
        await editor.read(".rows", "(e.scrollTop = 110000)");
        await expect.poll(async () => (await editor.rowNames()).includes("block217.layer2.0.downsample.0")).toBe(true);
        expect((await editor.rowNames()).length).toBeLessThan(60);
      }));

    it("keeps the unit of a column the same in all rows and takes decimals from the largest", () =>
      withPage(
        { snapshot: next(snapshot, { layers: snapshot.layers.map((l) => ({ ...l, params: l.params * 1000 })) }) },
        async (editor) => {
          expect(await header(editor, "Params").innerText()).toMatch(/Params\s+k/);
          expect(await editor.row("conv1").locator(".cell-params").innerText()).toBe("216.0");
        },
      ));

    it("cuts a long name in the middle and keeps it whole for hover and screen readers", () => {
      const long = `backbone.stage3.${"block.".repeat(12)}conv2`;
      const layers = snapshot.layers.map((l, i) => (i === 0 ? { ...l, name: long } : l));
      return withPage({ snapshot: next(snapshot, { layers }) }, async (editor) => {
        const cell = editor.row(long).locator(".cell-name");
        expect(await cell.innerText()).toMatch(/^backbone.*….*conv2$/);
        expect(await cell.getAttribute("aria-label")).toBe(long);
        await cell.hover();
        await expect.poll(() => editor.find(".hover").innerText()).toContain(long);
      });
    });

    it("tells exact sensitivities and bytes on hover", () =>
      withPage({ snapshot }, async (editor) => {
        await editor.row("conv1").locator(".cell-sensitivity").hover();
        await expect.poll(() => editor.find(".hover").innerText()).toContain("0.00018");
        const text = await editor.find(".hover").innerText();
        expect(text).toContain("KL of the softmax");
        expect(text).toContain("not on MAX78000");
      }));

    it("copies all rows shown as CSV with raw numbers", () =>
      withPage({ snapshot }, async (editor) => {
        await filterField(editor).fill("layer1.0");
        await editor.page.getByRole("button", { name: "Copy table as CSV" }).click();
        const message = await editor.message({ type: "copy" });
        const lines = message.type === "copy" ? message.text.trimEnd().split("\r\n") : [];
        expect(lines).toHaveLength(3);
        expect(lines[0]).toContain("Size (bytes)");
        expect(lines[1]).toContain("2,layer1.0.conv1,Conv,8x8x3x3,576,589824,0.056");
      }));

    it("marks the heat cell of the assigned bits and says all values", () =>
      withPage({ snapshot }, async (editor) => {
        const heat = editor.row("conv1").locator(".heat");
        expect(await heat.getAttribute("aria-label")).toBe(
          "2 bits 0.62, 3 bits 0.16, 4 bits 0.041, 6 bits 0.0027, 8 bits 0.00018 assigned",
        );
        expect(await heat.locator("i.missing").count()).toBe(2);
      }));
  });
}
