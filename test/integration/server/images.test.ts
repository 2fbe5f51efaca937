import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { FileChangeType } from "vscode-languageserver-protocol";
import { openNpz } from "../../../src/core/data/npz.ts";
import { openFileSource } from "../../../src/node/files.ts";
import { requests } from "../../../src/protocol/requests.ts";
import { png } from "../../support/png.ts";
import { uriOf } from "../../support/server.ts";
import { isDecided, isIdle, noticesOf, smallBench, useServerBuild } from "./support.ts";

useServerBuild();

const side = 28;

/** The images of a set as PNG files in folders of their classes, in the set's place. */
async function asImages(set: string, folder: string): Promise<void> {
  const source = await openFileSource(set);
  const file = await openNpz(source, set);
  const pixels = await file.open("input");
  const labels = await file.open("labels");
  const [count = 0] = pixels.dims;
  const data = (await pixels.rows(0, count)).data as Uint8Array;
  const classes = (await labels.rows(0, count)).data as BigInt64Array;
  await source.close();
  rmSync(set);
  for (let index = 0; index < count; index++) {
    const own = path.join(folder, String(classes[index]));
    mkdirSync(own, { recursive: true });
    const samples = data.subarray(index * side * side, (index + 1) * side * side);
    writeFileSync(path.join(own, `${index}.png`), png({ width: side, height: side, samples }));
  }
}

describe("folders of images beside a model", () => {
  it("are its samples, offered to others too, and accuracy is measured on them", async () => {
    const { model, folder, start } = smallBench();
    const [calibration, evaluation] = [path.join(folder, "calibration"), path.join(folder, "val")];
    await asImages(path.join(folder, "calibration.npz"), calibration);
    await asImages(path.join(folder, "evaluation.npz"), evaluation);
    const server = await start();
    await server.open(model);
    const last = await server.until(model, isDecided);
    expect(last.sampleSets.map(({ id, label }) => [id, label])).toEqual([
      [calibration, "calibration"],
      [evaluation, "val"],
    ]);
    expect(last.calibration).toMatchObject({ label: "calibration", samples: 64, synthetic: false });
    expect(last.evaluation).toMatchObject({ label: "val", samples: 200 });
    expect(last.accuracy).toMatchObject({ metric: "top1", samples: 200 });
    expect(noticesOf(last)).toEqual([]);
  });

  it("that hold an image which can't be decoded say which, and are read again when it is mended", async () => {
    const { model, folder, start } = smallBench();
    const calibration = path.join(folder, "calibration");
    await asImages(path.join(folder, "calibration.npz"), calibration);
    const server = await start();
    const [bad, good] = [path.join(calibration, "0", "bad.png"), path.join(folder, "good.bin")];
    writeFileSync(bad, "no image");
    await server.open(model);
    const failed = await server.until(model, (snapshot) => isIdle(snapshot) && noticesOf(snapshot).length > 0);
    expect(JSON.stringify(failed.notices)).toContain("0/bad.png: The file is neither a JPEG nor a PNG image. ");
    renameSync(bad, good);
    await server.filesChanged(FileChangeType.Deleted, bad);
    const last = await server.until(model, isDecided);
    expect(last.calibration).toMatchObject({ samples: 64 });
    await server.request(requests.closeModel, { uri: uriOf(model) });
  });
});
