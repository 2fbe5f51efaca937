import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { ended, removeLeftovers, temporaryPath } from "../../../src/node/leftovers.ts";
import { bundle, start, tempFolder } from "./support.ts";

/** Number of a process that has ended. */
function pastProcess(): number {
  return spawnSync(process.execPath, ["-e", ""]).pid;
}

describe("what processes leave behind", () => {
  it("goes with the next run, when they are not there any more", async () => {
    const folder = tempFolder();
    const mine = path.basename(temporaryPath(folder, "tmp"));
    const theirs = mine.replace(`-${process.pid}-`, `-${pastProcess()}-`);
    const draft = theirs.replace(/\.tmp$/, ".draft");
    for (const name of [mine, theirs]) writeFileSync(path.join(folder, name), "half");
    mkdirSync(path.join(folder, draft));
    writeFileSync(path.join(folder, draft, "model.onnx"), "half");
    await removeLeftovers(folder);
    expect(readdirSync(folder)).toEqual([mine]);
    ended(path.join(folder, mine));
  });

  it("stays where it is of another machine, of a process that runs, no work of ours, or what was there before", async () => {
    const folder = tempFolder();
    const old = path.basename(temporaryPath(folder, "old"));
    const dead = `-${pastProcess()}-`;
    const name = path.basename(temporaryPath(folder, "tmp"));
    const kept = [
      old.replace(`-${process.pid}-`, dead),
      name.replace(`-${process.pid}-`, dead).replace(/^\.sigmaquant-[0-9a-f]{8}/, ".sigmaquant-00000000"),
      name.replace(`-${process.pid}-`, `-${process.ppid}-`),
      ".sigmaquant-notes.tmp",
      "sigmaquant.tmp",
    ];
    for (const each of kept) writeFileSync(path.join(folder, each), "precious");
    await removeLeftovers(folder);
    expect(readdirSync(folder).sort()).toEqual([...kept].sort());
    await removeLeftovers(path.join(folder, "missing"));
  });

  it("is removed by the process itself when it exits in the middle", async () => {
    const folder = tempFolder();
    const { file } = await bundle(
      `import { atomicWrite } from "./src/node/files.ts";
      void atomicWrite(${JSON.stringify(path.join(folder, "a"))}, async (sink) => {
        await sink.write(new Uint8Array(1000));
        console.log((await import("node:fs")).readdirSync(${JSON.stringify(folder)}).length);
        process.exit(0);
      });`,
      tempFolder(),
    );
    const { stdout } = await start(process.execPath, [file]).ended;
    expect(stdout.trim()).toBe("1");
    expect(readdirSync(folder)).toEqual([]);
    expect(existsSync(path.join(folder, "a"))).toBe(false);
  });
});
