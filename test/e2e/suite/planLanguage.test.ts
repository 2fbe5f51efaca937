import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "mocha";
import * as vscode from "vscode";
import { parsePlan } from "../../../src/core/plan/planFile.ts";
import type { Plan, PlanLayer } from "../../../src/core/plan/types.ts";
import { ui } from "../../support/vscode/client.ts";
import { until } from "../../support/vscode/until.ts";
import {
  actionTitles,
  becomes,
  board,
  hints,
  hoverText,
  leave,
  lensTitles,
  problemOf,
  problems,
  rangeOf,
  replace,
  run,
  runLens,
  type Slip,
  show,
  slipAndFix,
  symbols,
  undoTo,
  write,
} from "./languageSupport.ts";
import { analyzed, file, freshModel, layersOf, longTestMs, openModel, prepare, row } from "./support.ts";

const folder = "planned";
/** A key that is taken shows its effect in less; it is pressed again after this. */
const takenMs = 12_000;

/** One budget alone: which of them a plan exceeds must not depend on the bits that the analysis comes to. */
const oneBudget = board.replace(/\n {4}"latencyMs": 20,\n {4}"bopsM": 600/, "").replace("48, //", "48 //");
const [first, small, large, largest] = ["/c/Conv", "/f/Gemm", "/l/l.2/c1/Conv", "/l/l.2/c2/Conv"] as const;

describe("a plan in a text editor", () => {
  let model: vscode.Uri;
  let profile: vscode.Uri;
  let document: vscode.TextDocument;
  let text = "";
  let names: readonly string[] = [];

  const plan = (): Plan => parsePlan(document.getText(), "plan");
  const layer = (name: string): PlanLayer => {
    const found = plan().layers.find((each) => each.name === name);
    assert.ok(found, `the plan has ${name}`);
    return found;
  };
  /** The line of a layer up to its bits. */
  const upToBits = (name: string) => {
    const { opType, weightBits } = layer(name);
    return `"name": "${name}", "opType": "${opType}", "weightBits": ${weightBits}`;
  };
  const withBits = (name: string, bits: string) => upToBits(name).replace(/\d$/, bits);
  const nameOf = (name: string) => rangeOf(document, `"name": "${name}"`);

  before(async function () {
    this.timeout(longTestMs);
    await prepare();
    profile = await write(folder, "board.hwprofile.json", oneBudget);
    model = await freshModel(folder);
    names = await layersOf(model);
    await openModel(model);
    await analyzed();
    await vscode.commands.executeCommand("sigmaquant.openPlan");
    document = await show(file(folder, `${folder}.sigmaquant.json`));
    text = document.getText();
    assert.ok(
      [first, small].every((name) => (layer(name).weightBits ?? 0) > 2),
      "they can be lowered",
    );
    assert.ok(layer(large).weightBits !== 8, "it can be raised");
  });
  afterEach(async () => {
    // What a test that failed has left behind must not fail the others.
    if (document.getText() === text) return;
    await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand("workbench.action.files.revert");
  });
  after(() => leave(folder));

  it("has each layer's bytes and share of the loss beside its bits, and tells what a step up or down would change", async () => {
    const shown = await until(async () => {
      const found = await hints(document);
      return found.length === names.length && found;
    });
    for (const hint of shown) assert.match(hint, /^"weightBits": \d \[[\d.]+ (B|KiB), \d+\.\d % of loss\]$/);
    await ui.workbench.waitFor(".view-line", "% of loss");
    const [hint] = await vscode.commands.executeCommand<vscode.InlayHint[]>(
      "vscode.executeInlayHintProvider",
      document.uri,
      rangeOf(document, upToBits(first)),
    );
    const tooltip = hint?.tooltip;
    const told = typeof tooltip === "string" ? tooltip : tooltip?.value;
    assert.match(told ?? "", /Lower to \d bits: [\d.]+ (B|KiB) less, loss \+[\d.]+ %/);
  });

  it("has its verdict and totals above it, and the way to the model", async () => {
    const [state, ...actions] = await lensTitles(document);
    assert.match(
      state ?? "",
      /^1: \$\(pass\) Fits Board: 4\d\.\d of 48 KiB, \d\.\d bits on average, [−+]?\d+\.\d points \(simulated\)$/,
    );
    assert.deepEqual(actions, ["1: Open model", "1: Re-allocate"]);
    await ui.workbench.waitFor(".codelens-decoration a", "Open model");
    await ui.workbench.click('.codelens-decoration a:has-text("Open model")');
    await ui.webview.waitFor("h1.name", "planned.onnx");
    await show(document.uri);
  });

  it("has its layers in the outline, with type, bits and bytes", async () => {
    const found = await symbols(document);
    const layers = found.filter(({ name }) => names.includes(name));
    assert.deepEqual(
      layers.map(({ name }) => name),
      names,
    );
    assert.match(layers[0]?.detail ?? "", /^Conv, \d bits, [\d.]+ (B|KiB)$/);
  });

  it("tells a layer's story in a hover: shape, sigma, a table of its bits, its place in the search", async () => {
    const at = nameOf(largest).end.translate(0, -4);
    const told = await hoverText(document, at);
    assert.match(told, /\*\*Conv, 64×64×3×3|\*\* Conv, 64×64×3×3, 36,864 parameters, σ 0\.\d{4}/);
    assert.match(told, /\| Bits \| Sensitivity \| KiB \| Plan's loss \|/);
    assert.equal(told.match(/^\| \*{0,2}[248]( now)?\*{0,2} \|/gm)?.length, 3);
    assert.equal(told.match(/ now\*\* \|/g)?.length, 1);
    assert.match(told, /Search: \d → \d bits in phase \d, step \d+ of \d+/);
    const editor = await vscode.window.showTextDocument(document);
    editor.selection = new vscode.Selection(at, at);
    editor.revealRange(editor.selection, vscode.TextEditorRevealType.InCenter);
    await vscode.commands.executeCommand("editor.action.showHover");
    await ui.workbench.waitFor(".monaco-hover table", "Sensitivity");
    await ui.screenshot("plan-hover");
    await ui.workbench.click('.monaco-hover a:has-text("Show in table")');
    await ui.webview.waitFor(`${row(largest)}[aria-selected="true"]`);
  });

  it("leads from a layer's name to its row in the model's editor, and from the profile's name to the profile", async () => {
    const name = "/l/l.1/c1/Conv";
    const editor = await vscode.window.showTextDocument(document);
    const at = nameOf(name).end.translate(0, -4);
    const [link] = await vscode.commands.executeCommand<vscode.LocationLink[]>(
      "vscode.executeDefinitionProvider",
      document.uri,
      at,
    );
    assert.equal(link?.targetUri.toString(), model.toString());
    assert.ok(link.originSelectionRange?.isEqual(rangeOf(document, `"${name}"`)));
    editor.selection = new vscode.Selection(at, at);
    await vscode.commands.executeCommand("editor.action.revealDefinition");
    await ui.webview.waitFor(`${row(name)}[aria-selected="true"]`);
    const again = await vscode.window.showTextDocument(document);
    const place = rangeOf(document, '"board.hwprofile.json"').start.translate(0, 3);
    again.selection = new vscode.Selection(place, place);
    await vscode.commands.executeCommand("editor.action.revealDefinition");
    await until(() => vscode.window.activeTextEditor?.document.uri.toString() === profile.toString());
    await vscode.commands.executeCommand("workbench.action.closeActiveEditor");
  });

  it("is shown at a layer's line by Enter on its row, also where a layer has many lines", async () => {
    const shownAt = async (name: string) => {
      const isShown = () => {
        const editor = vscode.window.activeTextEditor;
        return editor?.document === document && editor.selection.active.line === nameOf(name).start.line;
      };
      // While the keyboard passes from one editor to another nobody takes the key: as a person would, it is pressed again.
      for (let left = 5; left > 0; left--) {
        await openModel(model);
        await ui.webview.click(row(name, ".cell-name"));
        await ui.keys("Enter");
        const soon = await until(isShown, takenMs).catch((error: unknown) => {
          if (left === 1) throw error;
        });
        if (soon) return;
      }
    };
    await shownAt(largest);
    await show(document.uri);
    await vscode.commands.executeCommand("editor.action.formatDocument");
    await until(() => document.lineCount > 100);
    await shownAt("/l/l.1/c1/Conv");
    await show(document.uri);
    await vscode.commands.executeCommand("workbench.action.files.revert");
    await becomes(() => document.getText(), text);
  });

  it("gets a layer lowered, raised and unpinned by actions on its line; each is undone in one step", async () => {
    await show(document.uri);
    const before = layer(small).weightBits;
    await run(document, nameOf(small), /^Lower \/f\/Gemm to \d bits$/);
    const lowered = document.getText();
    assert.deepEqual([layer(small).weightBits, layer(small).pinned], [before === 8 ? 4 : 2, true]);
    assert.notEqual(layer(small).bytes, parsePlan(text, "plan").layers.at(-1)?.bytes);
    await becomes(() => problems(document), []);
    await run(document, nameOf(small), new RegExp(`^Raise /f/Gemm to ${before} bits$`));
    assert.deepEqual([layer(small).weightBits, layer(small).pinned], [before, true]);
    const raised = document.getText();
    await run(document, nameOf(small), /^Unpin \/f\/Gemm$/);
    assert.equal(layer(small).pinned ?? false, false);
    await becomes(() => problems(document), []);
    await undoTo(document, raised);
    await undoTo(document, lowered);
    await undoTo(document, text);
    await becomes(() => problems(document), []);
  });

  it("gets layers pinned by an action, one or several", async () => {
    await run(document, nameOf(first), /^Pin \/c\/Conv$/);
    assert.ok(layer(first).pinned);
    assert.equal(document.getText().replace(' "pinned": true,', ""), text);
    await undoTo(document, text);
    const lines = nameOf(first).union(nameOf(small));
    await run(document, lines, /^Pin 10 layers$/);
    assert.ok(plan().layers.every(({ pinned }) => pinned));
    await until(async () => (await actionTitles(document, lines)).includes("Unpin 10 layers"));
    await undoTo(document, text);
    await becomes(() => problems(document), []);
  });

  it("gets a layer reset to the recommended bits, without its pin", async () => {
    await run(document, nameOf(small), /^Lower \/f\/Gemm to \d bits$/);
    const lowered = document.getText();
    await run(document, nameOf(small), /^Reset \/f\/Gemm to the recommended \d bits$/);
    assert.equal(layer(small).pinned ?? false, false);
    assert.equal(layer(small).weightBits, parsePlan(text, "plan").layers.at(-1)?.weightBits);
    await undoTo(document, lowered);
    await undoTo(document, text);
  });

  it("gets the rest re-allocated around a pin that takes the memory, by an action and by the lens", async () => {
    await replace(document, upToBits(large), `${withBits(large, "8")}, "pinned": true`);
    const over = () => problems(document).filter((each) => each.startsWith("SQ5111"));
    await until(() => over().length === 1);
    const found = problemOf(document, "SQ5111");
    assert.match(found.message, /^Weight memory does not fit Board: [\d.]+ of 48 KiB, [\d.]+ over\./);
    assert.ok(found.range.isEqual(useOf("weightMemory")));
    const wrong = document.getText();
    const fits = async () => {
      await becomes(() => problems(document), []);
      assert.deepEqual([layer(large).weightBits, layer(large).pinned], [8, true]);
      assert.match((await lensTitles(document))[0] ?? "", /^1: \$\((pass|error)\) (On Board: )?Fits/);
    };
    await run(document, nameOf(large), /^Re-allocate the rest around the pins$/);
    await fits();
    await undoTo(document, wrong);
    await until(() => over().length === 1);
    assert.match((await lensTitles(document))[0] ?? "", /^1: \$\(error\) Does not fit Board: weight memory/);
    await runLens(document, "Re-allocate");
    await fits();
    await undoTo(document, wrong);
    await undoTo(document, text);
    await becomes(() => problems(document), []);
  });

  /** The figure of a budget's use. */
  function useOf(name: string): vscode.Range {
    const entry = document.getText().indexOf(`"name": "${name}"`);
    const at = document.getText().indexOf('"use": ', entry) + '"use": '.length;
    const use = /^[\d.e-]+/.exec(document.getText().slice(at))?.[0] ?? "";
    return new vscode.Range(document.positionAt(at), document.positionAt(at + use.length));
  }

  it("is over budget once the profile says so, as it is typed there, and not once it is undone", async () => {
    const device = await show(profile);
    await replace(device, "48 //", "40 //");
    await until(() => problems(document).length === 1);
    assert.ok(problemOf(document, "SQ5111").range.isEqual(useOf("weightMemory")));
    await undoTo(device, oneBudget);
    await becomes(() => problems(document), []);
    await show(document.uri);
  });

  it("is told of layers that are to have the same bits and have not", async () => {
    const device = await show(profile);
    const shared = `"sharedBits": { "groups": [["${first}", "${small}"]] }`;
    const same = layer(first).weightBits;
    await replace(device, '"accuracy"', `${shared},\n  "accuracy"`);
    try {
      await show(document.uri);
      await replace(document, upToBits(small), withBits(small, same === 8 ? "4" : "8"));
      await until(() => problems(document).some((each) => each.startsWith("SQ5118")));
      const found = problemOf(document, "SQ5118");
      assert.equal(document.getText(found.range), same === 8 ? "4" : "8");
      assert.match(found.message, /^\/f\/Gemm and \/c\/Conv share their bits on Board, but have \d bits and \d bits\./);
      const wrong = document.getText();
      await run(document, found.range, /^Change \/f\/Gemm to \d bits, as \/c\/Conv has$/);
      await becomes(() => problems(document), []);
      assert.equal(layer(small).weightBits, same);
      await undoTo(document, wrong);
      await until(() => problems(document).some((each) => each.startsWith("SQ5118")));
    } finally {
      await vscode.commands.executeCommand("workbench.action.files.revert");
      await show(profile);
      await vscode.commands.executeCommand("workbench.action.files.revert");
      await show(document.uri);
    }
  });

  /** A layer that is missing stays in float, and takes more than there is. */
  const markedUse = () => {
    const use = document.getText(useOf("weightMemory"));
    return [`"use": ${use}`, `"use": «${use}»`] as const;
  };
  /** Made when they are looked at: they are about the bits of the plan, which comes out of an analysis. */
  const slips: readonly (readonly [what: string, slip: () => Slip])[] = [
    [
      "bits that the device has not",
      () => ({
        codes: ["SQ5119", "SQ5112"],
        changes: [
          ['"verdict":', '«"verdict"»:'],
          [upToBits(first), withBits(first, "«3»")],
        ],
        message: /^Board has no 3-bit weights for Conv: it has 2, 4 and 8\./,
        fix: {
          of: "SQ5112",
          title: /^Change \/c\/Conv to 4 bits, the nearest that Board has$/,
          gives: '"name": "/c/Conv", "opType": "Conv", "weightBits": 4, ',
        },
      }),
    ],
    [
      "a layer that the model has not, with the one that was meant",
      () => ({
        codes: ["SQ5111", "SQ5114", "SQ5113"],
        changes: [markedUse(), ['"layers":', '«"layers"»:'], ['"name": "/f/Gemm"', '"name": «"/f/Gem"»']],
        message: /^planned\.onnx has no layer \/f\/Gem\. Did you mean \/f\/Gemm\?$/,
        fix: { of: "SQ5113", title: /^Change to "\/f\/Gemm"$/, gives: '"name": "/f/Gemm"' },
      }),
    ],
    [
      "a layer that the model has not, which can be taken out",
      () => ({
        codes: ["SQ5111", "SQ5114", "SQ5113"],
        changes: [markedUse(), ['"layers":', '«"layers"»:'], ['"name": "/f/Gemm"', '"name": «"elsewhere"»']],
        message: /^planned\.onnx has no layer elsewhere\. Remove it; it counts for nothing\.$/,
        fix: { of: "SQ5113", title: /^Remove elsewhere$/, gives: /\}\n {2}\],\n {2}"trace"/ },
        left: ["SQ5111", "SQ5114"],
      }),
    ],
    [
      "a layer that is missing, which is added with its figures",
      () => ({
        codes: ["SQ5111", "SQ5114"],
        changes: [
          markedUse(),
          ['"layers":', '«"layers"»:'],
          [/,\n *\{ "name": "\/f\/Gemm".*\}/.exec(text)?.[0] ?? "", ""],
        ],
        message: /^1 layer of planned\.onnx is not in this plan: \/f\/Gemm\. It stays in float; add it\.$/,
        fix: {
          of: "SQ5114",
          title: /^Add \/f\/Gemm$/,
          gives: /\n {4}\{ "name": "\/f\/Gemm", "opType": "Gemm", .*"bytes": \d+/,
        },
      }),
    ],
    [
      "a model that has changed since",
      () => ({
        codes: ["SQ5115"],
        changes: [[`"${plan().modelHash}"`, `«"${"0".repeat(64)}"»`]],
        message: /^planned\.onnx has changed since this plan was made\./,
        fix: { title: /^Take over the figures of the model as it is now$/, gives: plan().modelHash },
      }),
    ],
    [
      "a model that is not there, with the one that was meant",
      () => ({
        codes: ["SQ5116"],
        changes: [['"model": "planned.onnx"', '"model": «"planed.onnx"»']],
        message: /^There is no planed\.onnx\. Did you mean planned\.onnx\?$/,
        fix: { title: /^Change to "planned\.onnx"$/, gives: '"model": "planned.onnx"' },
      }),
    ],
    [
      "a profile that is not there, with the one that was meant",
      () => ({
        codes: ["SQ5117"],
        changes: [['"profile": "board.hwprofile.json"', '"profile": «"bord.hwprofile.json"»']],
        message: /^There is no bord\.hwprofile\.json\. Did you mean board\.hwprofile\.json\?$/,
        fix: { title: /^Change to "board\.hwprofile\.json"$/, gives: '"profile": "board.hwprofile.json"' },
      }),
    ],
    [
      "figures that are of other bits",
      () => ({
        codes: ["SQ5119"],
        changes: [
          ['"verdict":', '«"verdict"»:'],
          [`"bytes": ${layer(small).bytes}`, '"bytes": 7'],
        ],
        message: /^The figures of 1 layer are of other bits or another device: \/f\/Gemm\./,
        fix: { title: /^Recompute the plan's figures$/, gives: `"bytes": ${layer(small).bytes}` },
      }),
    ],
  ];
  for (const [what, slip] of slips) {
    it(`is told of ${what}`, async () => {
      await show(document.uri);
      await slipAndFix(document, slip());
    });
  }

  it("that is no plan is told so once, by VS Code's check against the schema, and keeps its totals above it", async () => {
    const before = await lensTitles(document);
    await replace(document, upToBits(first), withBits(first, "12"));
    const at = rangeOf(document, '"weightBits": 12').end;
    const [found, ...more] = await until(() => {
      const all = vscode.languages.getDiagnostics(document.uri);
      return all.length > 0 && all;
    });
    assert.deepEqual(more, []);
    assert.ok(found?.range.isEqual(new vscode.Range(at.translate(0, -2), at)));
    assert.deepEqual(await hints(document), []);
    assert.deepEqual(await lensTitles(document), before);
    await undoTo(document, text);
    await becomes(() => problems(document), []);
  });
});
