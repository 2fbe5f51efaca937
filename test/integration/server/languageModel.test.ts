import { appendFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { type DocumentSymbol, FileChangeType, type LocationLink } from "vscode-languageserver-protocol";
import { URI } from "vscode-uri";
import { modelTextEnding, modelTextScheme } from "../../../src/protocol/modelText.ts";
import { bytes } from "../../support/onnx/encode.ts";
import { chainFile } from "../../support/onnx/generated.ts";
import { parseOnnxText } from "../../support/onnx/parseText.ts";
import { uriOf } from "../../support/server.ts";
import { board, type LanguageBench, languageBench, useLanguageServer } from "./languageSupport.ts";

useLanguageServer();

/** producer_version of a ModelProto: at the end of the file it replaces the one before. */
const producerVersionField = 3;
const conv = '["/l/l.1/c1/Conv"]';

function textUri(model: string): string {
  const { name } = path.parse(model);
  return URI.from({
    scheme: modelTextScheme,
    path: `/${name}.onnx${modelTextEnding}`,
    query: uriOf(model),
  }).toString();
}

function textOf({ client }: LanguageBench, model: string): Promise<string> {
  return client.connection.sendRequest("sigmaquant/modelText", { uri: uriOf(model) });
}

/** A model's text, open in an editor; the model itself is open too, as the extension has it. */
async function opened(bench: LanguageBench) {
  const { client, model } = bench;
  await client.openModel(model);
  const text = await textOf(bench, model);
  const uri = await client.openAs(textUri(model), "onnx-text", text);
  return { client, uri, text };
}

describe("a model's text", () => {
  it("is the model in the ONNX textual syntax", async () => {
    const bench = await languageBench();
    const text = await textOf(bench, bench.model);
    const { graph } = parseOnnxText(text);
    expect(graph?.node.map(({ name }) => name)).toContain("/l/l.1/c1/Conv");
    expect(text).toContain('float[32,16,3,3] "onnx::Conv_98" = {},  # 4,608 values, 18.0 KiB');
  });

  it("has bits, sigma and sensitivity at each layer, and nowhere else", async () => {
    const { client, uri } = await opened(await languageBench());
    const hints = await client.hints(uri);
    expect(hints).toHaveLength(10);
    for (const { label, line } of hints) {
      // Nothing was run: sensitivities are estimated from the weights.
      expect(label).toMatch(/^[248] bits, σ \d\.\d{3}, KL est\. (<0\.0001|\d\.\d{4})$/);
      expect(label.length).toBeLessThanOrEqual(32);
      expect(line).toMatch(/= (Conv|Gemm)$/);
    }
    expect(await client.hints(uri, 5)).toEqual([]);
  });

  it("has totals and the way to the table above its nodes", async () => {
    const { client, uri, text } = await opened(await languageBench());
    const [state, show] = await client.lenses(uri);
    expect(state?.command?.title).toMatch(/^\$\(pass\) 10 of 10 layers quantized, \d\.\d bits on average$/);
    expect(show?.command?.command).toBe("sigmaquant.showLayer");
    expect(text.split("\n")[show?.range.start.line ?? -1]).toBe("{");
  });

  it("tells what is known of a node: of a layer all of it", async () => {
    const { client, uri } = await opened(await languageBench());
    const hover = await client.hover(uri, `${conv} `);
    expect(hover).toMatch(/^\*\*.*c1\/Conv\*\* Conv, 32×16×3×3, 4,608 parameters, σ 0\.\d{4}/);
    expect(hover?.match(/^\| \*?\*?[248]( now\*\*)? \|/gm)).toHaveLength(3);
    expect(hover).toContain("[Show in table](command:sigmaquant.showLayer?");
    expect(await client.hover(uri, '["/Flatten"]')).toMatch(/^\*\*\\?\/Flatten\*\* Flatten, 1×64$/);
    expect(await client.hover(uri, "torch_jit")).toBeUndefined();
  });

  it("leads from layers to the model, and from values to where they are made", async () => {
    const { client, uri, text } = await opened(await languageBench());
    const definition = (position: object) =>
      client.request<LocationLink[] | null>("textDocument/definition", uri, { position });
    const { start } = client.rangeOf(uri, '/l/l.1/c1/Conv"]');
    const [layer] = (await definition(start)) ?? [];
    expect(URI.parse(layer?.targetUri ?? "").fragment).toBe("/l/l.1/c1/Conv");
    expect(URI.parse(layer?.targetUri ?? "").path).toMatch(/resnet8\.onnx$/);
    const lines = text.split("\n");
    const line = lines.findIndex((each) => each.includes('["/l/l.0/Add"]'));
    const [value] = (await definition({ line, character: lines[line]?.lastIndexOf("/Relu_output_0") })) ?? [];
    expect(value?.targetUri).toBe(uri);
    expect(lines[value?.targetRange.start.line ?? -1]).toMatch(/^ {2}\["\/Relu"\]/);
    const constant = lines.findIndex((each) => each.includes(conv));
    const [stored] = (await definition({ line: constant, character: lines[constant]?.indexOf("onnx::Conv_98") })) ?? [];
    expect(lines[stored?.targetRange.start.line ?? -1]).toMatch(/^ {2}float\[32,16,3,3\] "onnx::Conv_98"/);
    expect(await definition({ line: 0, character: 1 })).toBeNull();
  });

  it("has its graph and nodes in the outline, with the bits of layers", async () => {
    const { client, uri } = await opened(await languageBench());
    const symbols = await client.request<DocumentSymbol[]>("textDocument/documentSymbol", uri);
    expect(symbols.map(({ name }) => name)).toEqual(["torch_jit"]);
    const details = new Map(symbols[0]?.children?.map(({ name, detail }) => [name, detail]));
    expect(details.get("/l/l.1/c1/Conv")).toMatch(/^Conv, [248] bits$/);
    expect(details.get("/Relu")).toBe("Relu");
  });

  it("has nothing against it", async () => {
    const { client, uri } = await opened(await languageBench());
    expect(await client.diagnostics(uri)).toEqual([]);
  });

  it("follows bits that are changed in the plan as it is typed", async () => {
    const bench = await languageBench();
    const { client, uri } = await opened(bench);
    expect(await client.hints(uri)).toHaveLength(10);
    const before = client.refreshes;
    const { text } = await client.connection.sendRequest<{ text: string }>("sigmaquant/planText", {
      uri: uriOf(bench.model),
    });
    const edited = text.replace(/("name": "\/l\/l\.1\/c1\/Conv".*?"weightBits": )\d/s, "$12");
    writeFileSync(bench.plan, text);
    const plan = await client.open(bench.plan, text);
    await client.type(plan, text, edited);
    await client.until("hints to be asked for again", () => (client.refreshes > before ? true : undefined));
    const label = async () => (await client.hints(uri)).find(({ line }) => line.startsWith(conv))?.label;
    await expect.poll(label, { timeout: 20_000 }).toMatch(/^2 bits, /);
  });

  it("has nothing beside it while its file is another one, until it is read again", async () => {
    const bench = await languageBench();
    const { client, uri, text } = await opened(bench);
    appendFileSync(bench.model, bytes(producerVersionField, "from elsewhere"));
    await client.filesChanged(FileChangeType.Changed, bench.model);
    await expect.poll(() => client.hints(uri), { timeout: 20_000 }).toEqual([]);
    const next = await textOf(bench, bench.model);
    expect(next).toContain("from elsewhere");
    await client.type(uri, text, next);
    await expect.poll(async () => (await client.hints(uri)).length, { timeout: 20_000 }).toBe(10);
  });

  it("has bits that a plan gives where the model can't be run", async () => {
    const first = await languageBench();
    await first.client.openModel(first.model);
    const { text } = await first.client.connection.sendRequest<{ text: string }>("sigmaquant/planText", {
      uri: uriOf(first.model),
    });
    const bench = await languageBench({ trusted: false });
    writeFileSync(bench.plan, text);
    const { client, uri } = await opened(bench);
    const labels = (await client.hints(uri)).map(({ label }) => label);
    expect(labels).toHaveLength(10);
    for (const label of labels) expect(label).toMatch(/^[248] bits, σ \d\.\d{3}/);
  });

  it("says why a layer stays in float", async () => {
    const profile = board.replace('"Conv": { "weightBits": [2, 4, 8] }', '"Gemm": { "float": true }');
    const { client, uri } = await opened(await languageBench({ profile }));
    const hint = (await client.hints(uri)).find(({ line }) => line.endsWith("= Gemm"));
    expect(hint?.label).toMatch(/^float: /);
    const [state] = await client.lensTitles(uri);
    expect(state).toContain("9 of 10 layers quantized");
  });

  it("of a file that is gone, or no model, is told as an error with its code", async () => {
    const bench = await languageBench();
    const missing = path.join(bench.folder, "nowhere.onnx");
    await expect(textOf(bench, missing)).rejects.toMatchObject({ data: { code: "SQ1001" } });
    const broken = path.join(bench.folder, "broken.onnx");
    writeFileSync(broken, "no model");
    await expect(textOf(bench, broken)).rejects.toMatchObject({ data: { code: "SQ2002" } });
    // Once it is mended it is read.
    writeFileSync(broken, chainFile(3));
    expect(await textOf(bench, broken)).toContain("Transpose");
    rmSync(broken);
    await expect(textOf(bench, broken)).rejects.toMatchObject({ data: { code: "SQ1001" } });
  });
});

describe("the text of a model of 10,000 nodes", () => {
  it("is whole, and what is beside it comes for what is looked at alone", async () => {
    const bench = await languageBench();
    const large = path.join(bench.folder, "large.onnx");
    writeFileSync(large, chainFile(10_000));
    const text = await textOf(bench, large);
    expect(text.match(/^ {2}\["\/model\/layers/gm)).toHaveLength(10_000);
    await bench.client.connection.sendRequest("sigmaquant/openModel", { uri: uriOf(large), choices: {} });
    const uri = await bench.client.openAs(textUri(large), "onnx-text", text);
    const symbols = await bench.client.request<DocumentSymbol[]>("textDocument/documentSymbol", uri);
    expect(symbols[0]?.children).toHaveLength(10_000);
  });
});
