import { copyFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { FileChangeType } from "vscode-languageserver-protocol";
import { uriOf } from "../../support/server.ts";
import { board, type LanguageBench, languageBench, useLanguageServer, writeModel } from "./languageSupport.ts";

useLanguageServer();

/** Names and bits, one of them of a layer that the model lacks. */
const byHand = JSON.stringify({
  version: 1,
  model: "resnet8.onnx",
  profile: "board.hwprofile.json",
  layers: [
    { name: "/c/Conv", weightBits: 4, pinned: true },
    { name: "/none", weightBits: 4 },
  ],
});

/** Deletes a folder, and tells of it as VS Code does: of the folder alone. */
async function deleteFolder({ client }: LanguageBench, folder: string): Promise<void> {
  rmSync(folder, { recursive: true });
  await client.filesChanged(FileChangeType.Deleted, folder);
}

describe("a folder that is deleted as a whole", () => {
  it("takes its profiles from the list of devices, and its models from theirs", async () => {
    const bench = await languageBench();
    const below = path.join(bench.folder, "below");
    const model = writeModel(below);
    const profile = path.join(below, "other.hwprofile.json");
    writeFileSync(profile, board);
    await bench.client.filesChanged(FileChangeType.Created, model, profile);
    const listed = async (method: string) => {
      const found = await bench.client.connection.sendRequest<{ id?: string; uri?: string }[]>(method, null);
      return found.flatMap(({ id, uri = id }) => (uri?.startsWith(uriOf(below)) ? [path.basename(uri)] : []));
    };
    const lists = () => Promise.all(["sigmaquant/profiles", "sigmaquant/models"].map(listed));
    await expect.poll(lists, { timeout: 20_000 }).toEqual([["other.hwprofile.json"], ["resnet8.onnx"]]);
    await deleteFolder(bench, below);
    await expect.poll(lists, { timeout: 20_000 }).toEqual([[], []]);
  });

  it("takes an open model with it", async () => {
    const bench = await languageBench();
    const model = writeModel(path.join(bench.folder, "below"));
    await bench.client.openModel(model);
    await deleteFolder(bench, path.dirname(model));
    await bench.client.until("a model that is gone", () => bench.client.snapshots.get(uriOf(model))?.fatal);
  });
});

describe("a plan that is deleted while its editor is open", () => {
  /** A plan in a folder of its own, with its model and device, and the text in an editor. */
  async function opened() {
    const bench = await languageBench();
    const folder = path.join(bench.folder, "below");
    const model = writeModel(folder);
    copyFileSync(bench.profile, path.join(folder, "board.hwprofile.json"));
    const plan = path.join(folder, "resnet8.sigmaquant.json");
    writeFileSync(plan, byHand);
    await bench.client.filesChanged(FileChangeType.Created, plan);
    const uri = await bench.client.open(plan, byHand);
    const has = (wanted: boolean) =>
      bench.client.until(`${wanted ? "its" : "no"} problems`, () => {
        const found = bench.client.lastDiagnostics(uri);
        return found && found.length > 0 === wanted ? found : undefined;
      });
    await has(true);
    return { bench, folder, model, plan, uri, has };
  }

  it("has no problems any more, until somebody types in it", async () => {
    const { bench, plan, uri, has } = await opened();
    rmSync(plan);
    await bench.client.filesChanged(FileChangeType.Deleted, plan);
    await has(false);
    await bench.client.type(uri, "{", "{ ");
    await has(true);
  });

  it("has them again when the file is back, and none when its folder goes", async () => {
    const { bench, folder, plan, has } = await opened();
    rmSync(plan);
    await bench.client.filesChanged(FileChangeType.Deleted, plan);
    await has(false);
    writeFileSync(plan, byHand);
    await bench.client.filesChanged(FileChangeType.Created, plan);
    await has(true);
    await deleteFolder(bench, folder);
    await has(false);
  });

  it("is not in force any more", async () => {
    const { bench, model, plan } = await opened();
    await bench.client.openModel(model);
    const pinned = () => bench.client.snapshots.get(uriOf(model))?.layers.filter((layer) => layer.pinned).length;
    expect(pinned()).toBe(1);
    rmSync(plan);
    await bench.client.filesChanged(FileChangeType.Deleted, plan);
    await bench.client.until("no pins", () => (pinned() === 0 ? true : undefined));
  });
});
