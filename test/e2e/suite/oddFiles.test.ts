import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, afterEach, before, describe, it } from "mocha";
import * as vscode from "vscode";
import { node } from "../../../src/core/onnx/build.ts";
import { modelBytes } from "../../../src/core/onnx/write.ts";
import { parsePlan } from "../../../src/core/plan/planFile.ts";
import { tinyModel, weight } from "../../support/tinyModel.ts";
import { ui } from "../../support/vscode/client.ts";
import { until } from "../../support/vscode/until.ts";
import {
  actionsAt,
  problems as allProblems,
  becomes,
  board,
  drop,
  hints,
  hoverText,
  leave,
  lensTitles,
  problemOf,
  rangeOf,
  replace,
  run,
  show,
  symbols,
  undoTo,
  write,
} from "./languageSupport.ts";
import { closeAll, file, freshModel, longTestMs, prepare } from "./support.ts";

const folder = "odd";
const byteOrderMark = "\ufeff";
/** A profile with something wrong in its third line that only the server finds. */
const twice = board.replace("[2, 4, 8],\n", "[2, 4, 4, 8], // ours\n");
const twiceAt = "SQ3011 3:24-3:25";

/** As a person writes it: names and bits, a comment, a comma too many. */
const byHand = `{
  "version": 1,
  "model": "odd.onnx", // by hand
  "profile": "board.hwprofile.json",
  "layers": [
    { "name": "/c/Conv", "weightBits": 4 }, // the first
    { "name": "/f/Gem", "weightBits": 4 },
  ],
}
`;
/** The budget's problem has no line of its own in such a plan. */
const byHandProblems = ["SQ5111 5:3-5:11", "SQ5114 5:3-5:11", "SQ5113 7:15-7:23"];

/** Models of other tests in this window may be known, which the small board is too small for: what is said of them is not looked at. */
const problems = (document: vscode.TextDocument) => allProblems(document).filter((each) => !each.startsWith("SQ3102"));
const contents = (uri: vscode.Uri) => readFileSync(uri.fsPath, "utf8");
const codes = (document: vscode.TextDocument) => problems(document).map((each) => each.slice(0, 6));

describe("profiles and plans as they may come", () => {
  let model: vscode.Uri;
  let modelFile: Uint8Array;
  let profile: vscode.Uri;

  before(async () => {
    await prepare();
    profile = await write(folder, "board.hwprofile.json", board);
    model = await freshModel(folder);
    modelFile = readFileSync(model.fsPath);
  });
  afterEach(async () => {
    // What a test that failed has left behind must not fail the others.
    await closeAll();
    if (!existsSync(model.fsPath)) writeFileSync(model.fsPath, modelFile);
  });
  after(() => leave(folder));

  it("that are no JSON are told so once, at the place, and are looked at again once they are right", async () => {
    for (const [name, wrong, before, after, found] of [
      ["broken.hwprofile.json", twice.replace('"budgets":', '"budgets"'), '"budgets" {', '"budgets": {', [twiceAt]],
      ["broken.sigmaquant.json", byHand.replace('"layers":', '"layers"'), '"layers" [', '"layers": [', byHandProblems],
    ] as const) {
      const document = await show(await write(folder, name, wrong));
      const all = () => vscode.languages.getDiagnostics(document.uri);
      await until(() => all().length > 0);
      const [problem, ...more] = all();
      assert.deepEqual(more, []);
      assert.ok(problem && rangeOf(document, before).contains(problem.range), JSON.stringify(problem));
      await hints(document);
      await lensTitles(document);
      await actionsAt(document, problem.range);
      await replace(document, before, after);
      await becomes(() => problems(document), found);
      await undoTo(document, wrong);
      await until(() => all().length === 1);
      await drop(document);
    }
  });

  it("that hold anything at all have a problem and break nothing", async () => {
    for (const text of [
      "",
      "{",
      "\u0000",
      "// only a comment",
      "[".repeat(5000),
      '{ "name": 1, "weightBits": {}, "budgets": [] }',
    ]) {
      for (const name of ["anything.hwprofile.json", "anything.sigmaquant.json"]) {
        const document = await show(await write(folder, name, text));
        await until(() => problems(document).length > 0);
        assert.deepEqual(await hints(document), []);
        await lensTitles(document);
        await hoverText(document, new vscode.Position(0, 0));
        await drop(document);
      }
    }
    const document = await show(await write(folder, "after.hwprofile.json", twice));
    await becomes(() => problems(document), [twiceAt]);
    await drop(document);
  });

  it("with CRLF have problems at their places, and keep their line ends and comments when they are repaired and saved", async () => {
    for (const [name, text, found, title, fixed] of oddTexts(twice, byHand)) {
      const crlf = text.replaceAll("\n", "\r\n");
      const document = await show(await write(folder, name, crlf));
      assert.equal(document.eol, vscode.EndOfLine.CRLF);
      await becomes(() => problems(document), found);
      await run(document, problemOf(document, found.at(-1)?.slice(0, 6) ?? "").range, title);
      await becomes(() => document.getText(), fixed.replaceAll("\n", "\r\n"));
      await until(() => problems(document).length < found.length);
      await document.save();
      assert.equal(contents(document.uri), fixed.replaceAll("\n", "\r\n"));
      await undoTo(document, crlf);
      await becomes(() => problems(document), found);
      await drop(document);
    }
  });

  it("with a byte order mark have problems at their places, and keep it", async () => {
    for (const [name, text, found, title, fixed] of oddTexts(twice, byHand)) {
      const document = await show(await write(folder, name, byteOrderMark + text));
      await becomes(() => problems(document), found);
      await run(document, problemOf(document, found.at(-1)?.slice(0, 6) ?? "").range, title);
      await becomes(() => document.getText(), fixed);
      await until(() => problems(document).length < found.length);
      await document.save();
      assert.equal(contents(document.uri), byteOrderMark + fixed);
      await drop(document);
    }
  });

  it("with comments and commas too many keep them through every action", async () => {
    const document = await show(await write(folder, "odd.sigmaquant.json", byHand));
    await becomes(() => problems(document), byHandProblems);
    const first = rangeOf(document, '"/c/Conv"');
    await run(document, first, /^Lower \/c\/Conv to 2 bits$/);
    const lowered = byHand.replace('"/c/Conv", "weightBits": 4 }', '"/c/Conv", "weightBits": 2, "pinned": true }');
    await becomes(() => document.getText(), lowered);
    await run(document, first, /^Unpin \/c\/Conv$/);
    await becomes(() => document.getText(), lowered.replace(', "pinned": true', ""));
    await run(document, problemOf(document, "SQ5114").range, /^Add 9 layers$/);
    await until(() => parsePlan(document.getText(), "plan").layers.length === 11);
    assert.match(document.getText(), /\/\/ by hand\n[\s\S]*\/\/ the first\n/);
    await becomes(() => codes(document).filter((code) => code !== "SQ5111"), ["SQ5113"]);
    await run(document, problemOf(document, "SQ5113").range, /^Remove \/f\/Gem$/);
    await until(() => !codes(document).includes("SQ5113"));
    assert.match(document.getText(), /\/\/ by hand\n[\s\S]*\/\/ the first\n/);
    await drop(document);
  });

  it("outside of the workspace's folders are looked at as those in it, with VS Code's own help", async () => {
    const elsewhere = realpathSync(mkdtempSync(path.join(os.tmpdir(), "sigmaquant-elsewhere-")));
    try {
      const uri = vscode.Uri.file(path.join(elsewhere, "other.hwprofile.json"));
      writeFileSync(uri.fsPath, twice);
      const document = await show(uri);
      assert.equal(vscode.workspace.getWorkspaceFolder(uri), undefined);
      assert.equal(document.languageId, "jsonc");
      await becomes(() => problems(document), [twiceAt]);
      await until(async () =>
        (await hoverText(document, rangeOf(document, '"clockMHz"').start.translate(0, 2))).includes("MHz"),
      );
      await until(async () => (await hints(document)).includes('"weightMemoryKiB": 442 [452,608 bytes]'));
      await run(document, problemOf(document, "SQ3011").range, /^Remove the second 4$/);
      await becomes(() => problems(document), []);
      await undoTo(document, twice);
      await becomes(() => problems(document), [twiceAt]);
      await drop(document);
    } finally {
      rmSync(elsewhere, { recursive: true, force: true });
    }
  });

  it("follow a model that is renamed, and one that is deleted; the plan leads to where it is now", async () => {
    const document = await show(await write(folder, "odd.sigmaquant.json", byHand));
    await becomes(() => problems(document), byHandProblems);
    assert.ok((await hints(document)).length > 0);
    const moved = file(folder, "oddly.onnx");
    await vscode.workspace.fs.rename(model, moved);
    await becomes(() => problems(document), ["SQ5116 3:12-3:22"]);
    // Never the one that has gone; the new name as soon as it is seen.
    await until(() => {
      const { message } = problemOf(document, "SQ5116");
      assert.match(message, /^There is no odd\.onnx\. (Did you mean oddly\.onnx\?|Write the model's path.*)$/);
      return message.includes("oddly");
    });
    await becomes(() => hints(document), []);
    await run(document, problemOf(document, "SQ5116").range, /^Change to "oddly\.onnx"$/);
    await becomes(() => problems(document), byHandProblems);
    await until(async () => (await hints(document)).length > 0);
    // As another program does it, not VS Code.
    renameSync(moved.fsPath, model.fsPath);
    await becomes(() => codes(document), ["SQ5116"]);
    await undoTo(document, byHand);
    await becomes(() => problems(document), byHandProblems);
    await vscode.workspace.fs.delete(model);
    await becomes(() => codes(document), ["SQ5116"]);
    await becomes(() => hints(document), []);
    writeFileSync(model.fsPath, modelFile);
    await becomes(() => problems(document), byHandProblems);
    await drop(document);
  });

  it("of a model that is deleted: what a profile says of it goes, and comes back with it", async () => {
    // Named by a plan that is on the disk; no editor of the model is open.
    const plan = await write(folder, "odd.sigmaquant.json", byHand);
    const document = await show(profile);
    const about = async () => (await lensTitles(document)).filter((title) => title.includes("odd.onnx"));
    await until(async () => (await about()).length > 0);
    rmSync(model.fsPath);
    await becomes(about, []);
    // On the screen, too.
    await ui.workbench.waitUntilGone(".codelens-decoration", "odd.onnx");
    writeFileSync(model.fsPath, modelFile);
    await until(async () => (await about()).length > 0);
    await ui.workbench.waitFor(".codelens-decoration", "odd.onnx");
    await vscode.workspace.fs.delete(plan);
    await becomes(about, []);
    await drop(document);
  });

  it("in a folder that is deleted as a whole have no problems any more", async () => {
    const below = `${folder}/below`;
    const plan = byHand.replace('"odd.onnx"', '"../odd.onnx"').replace('"board.', '"../board.');
    const document = await show(await write(below, "odd.sigmaquant.json", plan));
    await until(() => problems(document).length > 0);
    await vscode.workspace.fs.delete(file(below), { recursive: true });
    await becomes(() => problems(document), []);
  });

  it("of a megabyte have hints, problems and actions that follow what is typed", async () => {
    await write(folder, "deep.onnx", await deepModel());
    const text = deepPlan();
    assert.ok(text.length > 1e6);
    const uri = await write(folder, "deep.sigmaquant.json", text);
    const started = performance.now();
    const document = await show(uri);
    const shown = new vscode.Range(0, 0, 60, 0);
    await until(async () => (await hints(document, shown)).length > 50, longTestMs);
    const opened = performance.now() - started;
    assert.ok((await symbols(document)).length >= deepLayers);
    const { range: line } = document.lineAt(rangeOf(document, '"block.1.conv"').start);
    const bits = '"block.1.conv", "opType": "Conv", "weightBits": ';
    const times: number[] = [];
    for (const [before, after] of [
      ["4", "8"],
      ["8", "3"],
    ] as const) {
      const typed = performance.now();
      await replace(document, bits + before, bits + after);
      const expected = after === "3" ? 1 : 0;
      await until(async () => {
        const about = codes(document).filter((code) => code === "SQ5112").length === expected;
        return about && (await hints(document, line)).some((hint) => hint.startsWith(`"weightBits": ${after} [`));
      });
      times.push(performance.now() - typed);
    }
    console.log(
      `      ${deepLayers} layers: ${Math.round(opened)} ms to the first hints, ${times.map(Math.round).join(", ")} ms after a key`,
    );
    assert.ok(
      problemOf(document, "SQ5112").range.isEqual(
        rangeOf(document, `${bits}3`).with(rangeOf(document, `${bits}3`).end.translate(0, -1)),
      ),
    );
    const wrong = document.getText();
    await run(document, problemOf(document, "SQ5112").range, /^Change block\.1\.conv to 4 bits/);
    await until(() => !codes(document).includes("SQ5112"));
    await undoTo(document, wrong);
    await until(() => codes(document).includes("SQ5112"));
    await drop(document);
  }).timeout(longTestMs);
});

/** Texts with something wrong, what is told of it, and the fix of the last of it with what comes out. */
function oddTexts(profileText: string, planText: string) {
  return [
    [
      "odd.hwprofile.json",
      profileText,
      [twiceAt],
      /^Remove the second 4$/,
      profileText.replace("[2, 4, 4, 8]", "[2, 4, 8]"),
    ],
    [
      "odd.sigmaquant.json",
      planText,
      byHandProblems,
      /^Change to "\/f\/Gemm"$/,
      planText.replace('"/f/Gem"', '"/f/Gemm"'),
    ],
  ] as const;
}

const deepLayers = 3000;

/** A chain of so many small convolutions. */
function deepModel(): Promise<Uint8Array> {
  const names = Array.from({ length: deepLayers }, (_, i) => `block.${i}.conv`);
  return modelBytes(
    tinyModel({
      inputs: { x0: [1, 4, 2, 2] },
      outputs: [`x${deepLayers}`],
      constants: Object.fromEntries(names.map((name, i) => [`${name}.weight`, weight([4, 4, 1, 1], i)])),
      nodes: names.map((name, i) => node("Conv", [`x${i}`, `${name}.weight`], [`x${i + 1}`], { name })),
    }),
  );
}

function deepPlan(): string {
  const rows = Array.from(
    { length: deepLayers },
    (_, i) =>
      `    { "name": "block.${i}.conv", "opType": "Conv", "weightBits": 4, "activationBits": 8, "weightShape": [4, 4, 1, 1], "params": 16, "macs": 64, "sigma": 0.5${i}, "sensitivity": { "2": 0.06${i}, "3": 0.01${i}, "4": 0.005${i}, "6": 0.001${i}, "8": 0.0001 }, "bytes": 24, "latencyS": 0.0000288, "energyJ": 2.1e-6, "bops": 2048, "pinned": true }`,
  );
  return `{
  "version": 1,
  "model": "deep.onnx",
  "profile": "board.hwprofile.json",
  "layers": [
${rows.join(",\n")}
  ]
}
`;
}
