import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import type * as vscode from "vscode";
import { ui } from "../../support/vscode/client.ts";
import { until } from "../../support/vscode/until.ts";
import {
  analyzed,
  bitsShown,
  closeAll,
  dataRow,
  file,
  freshModel,
  layersOf,
  longTestMs,
  openModel,
  prepare,
  removeFolder,
  row,
  rowNames,
} from "./support.ts";

const head = (name: string) => `role=columnheader[name=/^${name}/]`;

describe("the table of layers", () => {
  let model: vscode.Uri;

  before(async function () {
    this.timeout(longTestMs);
    await prepare();
    model = await freshModel("table");
    await openModel(model);
    await analyzed();
  });
  after(async () => {
    await closeAll();
    await removeFolder("table");
  });

  it("has every layer of the model, in the network's order, with its figures", async () => {
    const layers = await layersOf(model);
    assert.equal(await ui.webview.attribute("role=grid", "aria-rowcount"), String(layers.length + 2));
    assert.deepEqual(await rowNames(), layers);
    for (const layer of layers) assert.ok((await bitsShown(layer)) >= 2, layer);
    const heats = await ui.webview.attributes(`${dataRow} .cell-sensitivity [role=img]`, "aria-label");
    assert.equal(heats.length, layers.length);
    for (const label of heats) assert.match(String(label), /^2 bits [<\d].* assigned/);
  });

  it("has every layer of the example, some of them only after scrolling", async function () {
    this.timeout(longTestMs);
    const example = file("mobilenetv2.onnx");
    await openModel(example);
    const screen = await ui.webview.isVisible(".comparison");
    if (screen) await ui.webview.click('role=button[name="mobilenetv2.onnx"]');
    const layers = await layersOf(example);
    assert.ok(layers.length > 20);
    const seen = new Set(await rowNames());
    assert.ok(seen.size < layers.length);
    await ui.webview.click(row(layers[0] ?? "", ".cell-name"));
    await ui.keys("End");
    await ui.webview.waitFor(row(layers.at(-1) ?? ""));
    for (const name of await rowNames()) seen.add(name);
    assert.deepEqual([...seen].sort(), [...layers].sort());
    await openModel(model);
  });

  it("sorts by a click on a header, and the other way with the next", async () => {
    const layers = await layersOf(model);
    await ui.webview.click(head("Bytes"));
    await until(async () => (await ui.webview.attribute(head("Bytes"), "aria-sort")) === "descending");
    const descending = await rowNames();
    assert.notDeepEqual(descending, layers);
    await ui.webview.click(head("Bytes"));
    await until(async () => (await ui.webview.attribute(head("Bytes"), "aria-sort")) === "ascending");
    assert.deepEqual((await rowNames())[0], descending.at(-1));
    await ui.webview.click(head("Bytes"));
    await until(async () => (await ui.webview.attribute(head("Bytes"), "aria-sort")) === "none");
    assert.deepEqual(await rowNames(), layers);
  });

  it("sorts by keyboard alone", async () => {
    const [first = ""] = await layersOf(model);
    await ui.webview.click(row(first, ".cell-name"));
    await ui.keys("Home", "ArrowUp", "Enter");
    await until(async () => (await ui.webview.attribute(head("Layer"), "aria-sort")) === "ascending");
    const names = await rowNames();
    assert.notDeepEqual(names, await layersOf(model));
    assert.deepEqual(names.toSorted(), [...(await layersOf(model))].toSorted());
    await ui.keys("Enter", "Enter");
    await until(async () => (await ui.webview.attribute(head("Layer"), "aria-sort")) === "none");
  });

  it("filters by name, operator and bits, and goes back with Escape", async () => {
    const layers = await layersOf(model);
    await ui.webview.fill('role=textbox[name="Filter layers"]', "op:gemm");
    await ui.webview.waitFor(".count", `1 of ${layers.length} layers`);
    assert.deepEqual(await rowNames(), layers.slice(-1));
    await ui.webview.fill('role=textbox[name="Filter layers"]', "bits:<9");
    await ui.webview.waitFor(".count", `${layers.length} of ${layers.length} layers`);
    await ui.webview.fill('role=textbox[name="Filter layers"]', "no such layer");
    await ui.webview.waitFor(".empty-table", 'No layer matches "no such layer".');
    await ui.webview.press('role=textbox[name="Filter layers"]', "Escape");
    await until(async () => (await rowNames()).length === layers.length);
  });

  it("tells a layer's weights in its chart when the layer is selected", async () => {
    const [, second = ""] = await layersOf(model);
    await ui.webview.click('role=tab[name="Weights"]');
    await ui.webview.click(row(second, ".cell-name"));
    await ui.webview.waitFor(".panel", second);
    await ui.webview.click('role=tab[name="Bits along the network"]');
  });

  it("keeps what was sorted and filtered when the editor comes back from behind another", async () => {
    await ui.webview.fill('role=textbox[name="Filter layers"]', "c1");
    await ui.webview.click(head("Bytes"));
    await until(async () => (await ui.webview.attribute(head("Bytes"), "aria-sort")) === "descending");
    const names = await rowNames();
    await openModel(file("mobilenetv2.onnx"));
    await openModel(model);
    await until(async () => (await rowNames()).length === names.length);
    assert.deepEqual(await rowNames(), names);
    assert.equal(await ui.webview.value('role=textbox[name="Filter layers"]'), "c1");
  });

  it("ignores messages that are not the extension's", async () => {
    const all = (await layersOf(model)).length;
    await ui.webview.fill('role=textbox[name="Filter layers"]', "op:gemm");
    await until(async () => (await rowNames()).length < all);
    const messages = [
      null,
      "snapshot",
      5,
      { type: "snapshot" },
      { type: "snapshot", snapshot: { sequence: 1e15, layers: [] } },
    ];
    for (const message of messages) await ui.webview.post(message);
    await ui.webview.post({ type: "reveal", layer: { toString: "x" } });
    // The page still does what it is told.
    await ui.webview.press('role=textbox[name="Filter layers"]', "Escape");
    await until(async () => (await rowNames()).length === all);
  });
});
