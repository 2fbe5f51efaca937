import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { setsBeside } from "../../../src/server/defaults.ts";
import { findFiles } from "../../../src/server/workspaceFiles.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "sigmaquant-files-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function touch(...names: readonly string[]): void {
  for (const name of names) {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, "");
  }
}

/** That many images, which nobody opens. */
function images(where: string, count: number, ending = ".jpg"): void {
  touch(...Array.from({ length: count }, (_, at) => `${where}/${at}${ending}`));
}

async function sets(): Promise<readonly string[]> {
  return (await findFiles([folder])).sampleSets.map((file) => path.relative(folder, file));
}

describe("sample sets of a workspace", () => {
  it("are files of arrays, then folders of images", async () => {
    touch("z.npz", "a.npy", "model.onnx");
    images("data/flat", 16);
    expect(await sets()).toEqual(["a.npy", "z.npz", path.join("data", "flat")]);
  });

  it("are the folder above where its subfolders are classes", async () => {
    images("val/cat", 10, ".png");
    images("val/dog", 10, ".JPEG");
    expect(await sets()).toEqual(["val"]);
    // One more that is no class: each folder is then by itself, and has too few.
    touch("val/notes/readme.txt");
    expect(await sets()).toEqual([]);
  });

  it("are not some pictures of a manual, nor what lies in hidden and made folders", async () => {
    images("docs/images", 15);
    images(".cache", 50);
    images("node_modules/icons", 50);
    images("few/a", 3);
    images("few/b", 3);
    expect(await sets()).toEqual([]);
  });

  it("may be the workspace's folder itself", async () => {
    images("", 20);
    expect(await sets()).toEqual([""]);
  });

  it("are not looked for behind links", async () => {
    images("real", 20);
    symlinkSync(path.join(folder, "real"), path.join(folder, "link"));
    expect(await sets()).toEqual(["real"]);
  });

  it("don't hide the models beside them, however many images there are", async () => {
    images("a/many", 2000);
    touch("z/model.onnx");
    expect((await findFiles([folder])).models).toEqual([path.join(folder, "z", "model.onnx")]);
  });
});

describe("sets beside a model", () => {
  const beside = async () => {
    const { calibration, evaluation } = setsBeside(path.join(folder, "model.onnx"), await findFiles([folder]));
    return [calibration, evaluation].map((file) => file && path.relative(folder, file));
  };

  it("are folders of images by their names, too", async () => {
    images("calib", 16);
    images("val/0", 16);
    images("val/1", 16);
    images("latest", 16);
    expect(await beside()).toEqual(["calib", "val"]);
  });

  it("are arrays where there are both", async () => {
    images("calibration", 16);
    touch("my-calibration.npz", "test.npy", "contest.npz");
    expect(await beside()).toEqual(["my-calibration.npz", "test.npy"]);
  });
});
