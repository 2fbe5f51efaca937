import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { FileChangeType } from "vscode-languageserver-protocol";
import type { NamedModel } from "../../../src/protocol/requests.ts";
import { uriOf } from "../../support/server.ts";
import { emptyFolder, type LanguageBench, languageBench, useLanguageServer, writeModel } from "./languageSupport.ts";

useLanguageServer();

function named({ client }: LanguageBench, document: string, ...names: readonly string[]): Promise<NamedModel[]> {
  return client.connection.sendRequest("sigmaquant/namedModels", { uri: uriOf(document), names });
}

/** ResNet-8 with a plan beside it, as the program makes it. */
async function planned(options: Parameters<typeof languageBench>[0] = {}): Promise<LanguageBench> {
  const bench = await languageBench(options);
  const { client, model, plan } = bench;
  const uri = uriOf(model);
  await client.openModel(model);
  const { text } = await client.connection.sendRequest<{ text: string }>("sigmaquant/planText", { uri });
  writeFileSync(plan, text);
  await client.connection.sendRequest("sigmaquant/closeModel", { uri });
  await client.filesChanged(FileChangeType.Created, plan, model);
  return bench;
}

describe("models that code names", () => {
  it("are those of the workspace that have a plan, with its verdict and average bits", async () => {
    const bench = await planned();
    const script = path.join(bench.folder, "src/run.py");
    const look = () => named(bench, script, "../resnet8.onnx", "resnet8.onnx", "nowhere.onnx");
    await expect.poll(async () => (await look()).length, { timeout: 20_000 }).toBe(2);
    for (const { uri, model, title } of await look()) {
      expect(uri).toBe(uriOf(bench.model));
      expect(model).toBe("resnet8.onnx");
      expect(title).toMatch(/^\$\(pass\) Fits, .*, \d\.\d bits on average$/);
    }
  });

  it("are found by a Windows path, and not from a folder where they are not", async () => {
    const bench = await planned();
    const script = path.join(bench.folder, "src", "run.cpp");
    const look = async () =>
      (await named(bench, script, String.raw`..\\resnet8.onnx`, "../src/resnet8.onnx")).map((each) => each.name);
    await expect.poll(look, { timeout: 20_000 }).toEqual([String.raw`..\\resnet8.onnx`]);
  });

  it("are found from any folder of the workspace", async () => {
    const second = emptyFolder();
    const bench = await planned({ folders: [second] });
    const look = async () => (await named(bench, path.join(second, "run.py"), "resnet8.onnx")).map(({ uri }) => uri);
    await expect.poll(look, { timeout: 20_000 }).toEqual([uriOf(bench.model)]);
  });

  it("without a plan are not told of, nor where the plan is broken or gone", async () => {
    const bench = await planned();
    const script = path.join(bench.folder, "run.py");
    const count = async () => (await named(bench, script, "resnet8.onnx", "sub/plain.onnx")).length;
    mkdirSync(path.join(bench.folder, "sub"));
    const plain = writeModel(path.join(bench.folder, "sub"), "plain.onnx");
    await bench.client.filesChanged(FileChangeType.Created, plain);
    await expect.poll(count, { timeout: 20_000 }).toBe(1);
    writeFileSync(bench.plan, "{");
    await bench.client.filesChanged(FileChangeType.Changed, bench.plan);
    await expect.poll(count, { timeout: 20_000 }).toBe(0);
    rmSync(bench.plan);
    await bench.client.filesChanged(FileChangeType.Deleted, bench.plan);
    expect(await count()).toBe(0);
  });

  it("follow the plan as it is typed", async () => {
    const bench = await planned();
    const script = path.join(bench.folder, "run.py");
    const title = async () => (await named(bench, script, "resnet8.onnx"))[0]?.title ?? "";
    await expect.poll(title, { timeout: 20_000 }).toMatch(/bits on average/);
    const { text } = await bench.client.connection
      .sendRequest<{ text: string }>("sigmaquant/openModel", {
        uri: uriOf(bench.model),
        choices: {},
      })
      .then(() =>
        bench.client.connection.sendRequest<{ text: string }>("sigmaquant/planText", { uri: uriOf(bench.model) }),
      );
    await bench.client.open(bench.plan, text.replace(/"weightBits": \d/g, '"weightBits": 2'));
    await expect.poll(title, { timeout: 20_000 }).toMatch(/, 2\.0 bits on average$/);
  });
});
