import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "mocha";
import * as vscode from "vscode";
import { ui } from "../../support/vscode/client.ts";
import { until } from "../../support/vscode/until.ts";
import {
  becomes,
  board,
  completions,
  folds,
  hints,
  hoverText,
  labelOf,
  leave,
  lensTitles,
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
import { analyzed, freshModel, longTestMs, openModel, prepare } from "./support.ts";

const folder = "profiled";

/** What no schema can say of a profile, and its remedies. Places are those of `board`, whose model is ResNet-8. */
const slips: readonly (Slip & { readonly what: string })[] = [
  {
    what: "a budget that no mix can keep, with the model and the smallest figure that can be reached",
    codes: ["SQ3102"],
    changes: [['"latencyMs": 20', '"latencyMs": «5»']],
    message:
      /^No mix of 2, 4 and 8 bits runs profiled\.onnx in 5 ms on this device\. The fastest plan takes 6\.\d+ ms\.$/,
    fix: { title: /^Raise latencyMs to 6\.\d+, the smallest that fits$/, gives: /"latencyMs": 6\.\d+,\n/ },
  },
  {
    what: "a budget that no mix can keep, which can be taken out",
    codes: ["SQ3102"],
    changes: [['"weightMemoryKiB": 48,', '"weightMemoryKiB": «10»,']],
    message: /^No mix of 2, 4 and 8 bits stores profiled\.onnx in 10 KiB\. The smallest plan takes 2\d(\.\d)? KiB\.$/,
    fix: { title: /^Remove the budget for weight memory$/, gives: '"budgets": {\n    "latencyMs": 20,' },
  },
  {
    what: "budgets that can be kept one by one but not together, where more bits cost less",
    codes: ["SQ3016", "SQ3103"],
    changes: [
      ['[2, 4, 8],\n  "operators": { "Conv": { "weightBits": [2, 4, 8] } }', '[4, 8],\n  "operators": {}'],
      ['{ "2x8": 16, "4x8": 8, "8x8": 4 }', '{ "4x8": 4, «"8x8"»: 8 }'],
      ['"budgets": {\n    "weightMemoryKiB": 48', '«"budgets"»: {\n    "weightMemoryKiB": 45'],
      ['"latencyMs": 20', '"latencyMs": 15'],
    ],
    message: /^"8x8" costs less than the narrower "4x8": macsPerCycle 8 against 4\./,
  },
  {
    what: "a budget in MiB that is to be in KiB",
    codes: ["SQ3107"],
    changes: [['"weightMemoryKiB": 48,', '"weightMemoryKiB": «0.03»,']],
    message: /It looks like MiB: write 30\.72\.$/,
    fix: { title: /^Change to 30\.72$/, gives: '"weightMemoryKiB": 30.72, // what the linker script leaves' },
  },
  {
    what: "a table of latencies that misses layers, names one that is none, and is in microseconds, with which no budget is kept",
    codes: ["SQ3105", "SQ3106", "SQ3104", "SQ3102"],
    changes: [
      [
        '"layerOverheadUs": 28',
        '"layerOverheadUs": 28, «"measuredLatencyMs"»: { "/c/Conv": { "8": «310» }, «"/f/Gem"»: { "8": 0.03 } }',
      ],
      ['"latencyMs": 20', '"latencyMs": «20»'],
    ],
    message: /^310 ms is 9\d\d|^310 ms is 1,?0\d\d times what the clock and macsPerCycle give/,
    fix: { of: "SQ3106", title: /^Change to 0\.31$/, gives: '{ "/c/Conv": { "8": 0.31 }, ' },
    left: ["SQ3105", "SQ3104"],
  },
  {
    what: "a layer with a measured latency that the model has not, with the one that was meant",
    codes: ["SQ3104"],
    changes: [['"layerOverheadUs": 28', '"layerOverheadUs": 28, "measuredLatencyMs": { «"/f/Gem"»: { "8": 0.03 } }']],
    message: /^No layer of profiled\.onnx is called \/f\/Gem\. Did you mean \/f\/Gemm\?$/,
    fix: { title: /^Change to "\/f\/Gemm"$/, gives: '{ "/f/Gemm": { "8": 0.03 } }' },
    left: ["SQ3105"],
  },
  {
    what: "an operator that there is not, with the one that was meant",
    codes: ["SQ3014"],
    changes: [['"Conv": {', '«"Convv"»: {']],
    message: /^Unknown operator Convv\. Did you mean Conv\?$/,
    fix: { title: /^Change to "Conv"$/, gives: '"operators": { "Conv": {' },
  },
  {
    what: "bits that are listed twice",
    codes: ["SQ3011"],
    changes: [['[2, 4, 8],\n  "operators"', '[2, 4, «4», 8],\n  "operators"']],
    message: /4/,
    fix: { title: /^Remove the second 4$/, gives: '"weightBits": [2, 4, 8],\n' },
  },
  {
    what: "an operator's bits that the device has not",
    codes: ["SQ3012"],
    changes: [['"Conv": { "weightBits": [2, 4, 8]', '"Conv": { "weightBits": [2, «3», 4, 8]']],
    message: /3/,
    fix: { title: /^Remove 3 here$/, gives: '"Conv": { "weightBits": [2, 4, 8] }' },
  },
  {
    what: "an operator's bits that the device has not, which it gets",
    codes: ["SQ3012"],
    changes: [['"Conv": { "weightBits": [2, 4, 8]', '"Conv": { "weightBits": [2, «3», 4, 8]']],
    message: /3/,
    fix: { title: /^Add 3 to weightBits$/, gives: '"weightBits": [2, 3, 4, 8],\n' },
  },
  {
    what: "bits of no operator",
    codes: ["SQ3028"],
    changes: [
      ['[2, 4, 8],\n  "operators"', '[2, «3», 4, 8],\n  "operators"'],
      [
        '"Conv": { "weightBits": [2, 4, 8] }',
        `"Conv": { "weightBits": [2, 4, 8] }, ${[..."Gemm MatMul ConvTranspose Gather LSTM GRU RNN".split(" ")]
          .map((name) => `"${name}": { "weightBits": [2, 4, 8] }`)
          .join(", ")}`,
      ],
    ],
    message: /^No operator supports 3 bits/,
    fix: { title: /^Remove 3$/, gives: '"weightBits": [2, 4, 8],\n' },
  },
  {
    what: "a clock in Hz that is to be in MHz",
    codes: ["SQ3026"],
    changes: [['"clockMHz": 100', '"clockMHz": «100000000»']],
    message: /100/,
    fix: { title: /^Change to 100$/, gives: '"clockMHz": 100, "macsPerCycle"' },
  },
  {
    what: "a preset that is overridden with what its source says the device has not",
    codes: ["SQ3027"],
    changes: [
      [
        '"name": "Board",\n  "weightBits": [2, 4, 8]',
        '"name": "Board", "extends": "preset:max78000",\n  "weightBits": [2, «3», 4, 8]',
      ],
      ['  "memory": { "weightMemoryKiB": 442, "activationMemoryKiB": 512 },\n', ""],
      [/ {2}"compute": .*\n/.exec(board)?.[0] ?? "", ""],
    ],
    message: /3/,
    fix: { title: /^Remove 3$/, gives: '"weightBits": [2, 4, 8],\n' },
  },
  {
    what: "a budget above what the device has",
    codes: ["SQ3018"],
    changes: [['"weightMemoryKiB": 48,', '"weightMemoryKiB": «500»,']],
    message: /^The budget of 500 KiB is more than the 442 KiB that the device has/,
    fix: { title: /^Change to 442$/, gives: '"weightMemoryKiB": 442, // what the linker script leaves' },
  },
  {
    what: "a budget for what the profile has no figures for",
    codes: ["SQ3024"],
    changes: [['"bopsM": 600', '"bopsM": 600,\n    «"energyUj"»: 250']],
    message: /^The energy can't be known/,
    fix: { title: /^Remove the budget$/, gives: '"bopsM": 600\n  }' },
  },
];

describe("a device profile in a text editor", () => {
  let document: vscode.TextDocument;

  before(async function () {
    this.timeout(longTestMs);
    await prepare();
    const profile = await write(folder, "board.hwprofile.json", board);
    await openModel(await freshModel(folder));
    await analyzed();
    document = await show(profile);
  });
  afterEach(async () => {
    // What a test that failed has left behind must not fail the others.
    if (document.getText() === board) return;
    await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand("workbench.action.files.revert");
  });
  after(() => leave(folder));

  it("has use against budget of the model beside its figures, and sizes in other units", async () => {
    const shown = await until(async () => {
      const found = await hints(document);
      return found.length >= 7 && found;
    });
    const [weights, activations, overhead, accuracy, ...budgets] = shown;
    assert.equal(weights, '"weightMemoryKiB": 442 [452,608 bytes]');
    assert.equal(activations, '"activationMemoryKiB": 512 [524,288 bytes]');
    assert.equal(overhead, '"layerOverheadUs": 28 [10 layers: 0.280 ms]');
    assert.match(accuracy ?? "", /^"maxDropPoints": 1 \[−?\d+\.\d simulated\]$/);
    assert.match(budgets[0] ?? "", /^"weightMemoryKiB": 48 \[4\d\.\d of 48 KiB, \d\.\d left\]$/);
    assert.match(budgets[1] ?? "", /^"latencyMs": 20 \[[\d.]+ of 20 ms, [\d.]+ left\]$/);
    assert.match(budgets[2] ?? "", /^"bopsM": 600 \[[\d.]+ of 600 M, [\d.]+ left\]$/);
    await ui.workbench.waitFor(".view-line", "of 48 KiB");
  });

  it("has above it what comes out for the model, and above its budgets whether they can be met", async () => {
    const [allocate, ...others] = await lensTitles(document);
    assert.match(
      allocate ?? "",
      /^1: \$\(play\) Allocate profiled\.onnx: fits, \d\.\d bits on average, [−+]?\d+\.\d points \(simulated\)$/,
    );
    assert.deepEqual(others, ["1: Compare devices", "1: Open model", "8: 3 budgets, all can be met"]);
    await ui.workbench.waitFor(".codelens-decoration", "3 budgets, all can be met");
  });

  it("has figures that follow what is typed, not saved", async () => {
    await replace(document, '"weightMemoryKiB": 48', '"weightMemoryKiB": 45');
    await until(async () => (await hints(document)).some((hint) => /^"weightMemoryKiB": 45 \[.* of 45 KiB/.test(hint)));
    await ui.workbench.waitFor(".view-line", "of 45 KiB");
    assert.ok(document.isDirty);
    await undoTo(document, board);
    await ui.workbench.waitFor(".view-line", "of 48 KiB");
  });

  it("is completed with the keys that are missing, each with its description, unit and an example to type over", async () => {
    await replace(document, '"bopsM": 600', '"bopsM": 600,\n    ');
    const items = await completions(document, rangeOf(document, "600,\n    ").end);
    const labels = items.map(labelOf);
    assert.ok(labels.includes("energyUj") && labels.includes("activationMemoryKiB"), labels.join());
    assert.ok(!labels.includes("latencyMs") && !labels.includes("clockMHz"), labels.join());
    const energy = items.find((item) => labelOf(item) === "energyUj");
    const documentation = energy?.documentation;
    const text = typeof documentation === "string" ? documentation : documentation?.value;
    assert.match(text ?? "", /Energy of one inference, µJ\. Needs figures in `?energy`?\./);
    await undoTo(document, board);
  });

  it("is completed by hand: chosen in the list, the key comes with its value", async () => {
    await replace(document, '"bopsM": 600', '"bopsM": 600,\n    ');
    const editor = await vscode.window.showTextDocument(document);
    const at = rangeOf(document, "600,\n    ").end;
    editor.selection = new vscode.Selection(at, at);
    await vscode.commands.executeCommand("editor.action.triggerSuggest");
    await ui.workbench.waitFor(".suggest-widget.visible .monaco-list-row", "energyUj");
    await ui.screenshot("profile-completion");
    await ui.workbench.click('.suggest-widget.visible .monaco-list-row:has-text("energyUj")');
    // With several figures to start from, they are the next choice.
    await ui.workbench.waitFor(".suggest-widget.visible .monaco-list-row", "250 µJ");
    await ui.workbench.click('.suggest-widget.visible .monaco-list-row:has-text("250 µJ")');
    await until(() => document.getText().includes('"bopsM": 600,\n    "energyUj": 250\n  }'));
    await vscode.commands.executeCommand("leaveSnippet");
    await vscode.commands.executeCommand("workbench.action.files.revert");
    await becomes(() => document.getText(), board);
  });

  it("is completed with values: presets with what they are, bits, packings", async () => {
    await replace(document, '"name": "Board",', '"name": "Board",\n  "extends": ""');
    const items = await completions(document, rangeOf(document, '"extends": "').end);
    const labels = items.map(labelOf).map((label) => label.replaceAll('"', ""));
    assert.ok(labels.includes("preset:max78000") && labels.includes("preset:gap9"), labels.join());
    await undoTo(document, board);
    await replace(document, '"memory": { ', '"memory": { "weightPacking": ');
    const packings = await completions(document, rangeOf(document, '"weightPacking": ').end);
    assert.ok(
      packings.map(labelOf).some((label) => label.includes("container")),
      packings.map(labelOf).join(),
    );
    await undoTo(document, board);
  });

  it("that is empty offers whole profiles to start from", async () => {
    const empty = await show(await write(folder, "empty.hwprofile.json", ""));
    const labels = await until(async () => {
      const found = (await completions(empty, new vscode.Position(0, 0))).map(labelOf);
      return found.includes("Microcontroller") && found;
    });
    assert.ok(labels.includes("Profile from a preset"), labels.join());
    await vscode.commands.executeCommand("workbench.action.closeActiveEditor");
    await vscode.workspace.fs.delete(empty.uri);
    await vscode.window.showTextDocument(document);
  });

  it("tells what a key means, in which unit, in a hover", async () => {
    const told = async (key: string) => {
      const text = await hoverText(document, rangeOf(document, JSON.stringify(key)).start.translate(0, 2));
      // Escaped for Markdown.
      return text.replaceAll("\\", "");
    };
    assert.match(await told("clockMHz"), /Clock of the unit that multiplies, MHz\./);
    assert.match(await told("latencyMs"), /Time of one inference, ms\./);
    assert.match(await told("maxDropPoints"), /Largest loss of accuracy in points/);
  });

  it("folds at its sections, and has them in the outline", async () => {
    assert.deepEqual(await folds(document), ["1-12", "8-11"]);
    const names = (await symbols(document)).map(({ name }) => name);
    assert.deepEqual(names, ["name", "weightBits", "operators", "memory", "compute", "accuracy", "budgets"]);
  });

  it("is formatted with its comments kept", async () => {
    await replace(document, '    "weightMemoryKiB": 48, //', '"weightMemoryKiB":48,      //');
    await replace(document, '"latencyMs": 20', '/* measured */ "latencyMs" :20');
    const messy = document.getText();
    await vscode.commands.executeCommand("editor.action.formatDocument");
    await until(() => document.getText() !== messy);
    const text = document.getText();
    assert.ok(text.includes('    "weightMemoryKiB": 48, // what the linker script leaves\n'), text);
    assert.ok(text.includes('    /* measured */ "latencyMs": 20,\n'), text);
    assert.deepEqual(problems(document), []);
    await undoTo(document, messy);
    await vscode.commands.executeCommand("workbench.action.files.revert");
    await becomes(() => document.getText(), board);
  });

  for (const slip of slips) {
    it(`is told of ${slip.what}`, () => slipAndFix(document, slip));
  }

  it("gets all budgets that can be met by the lens above them; undo gives the others back", async () => {
    await replace(document, '"latencyMs": 20', '"latencyMs": 5');
    await replace(document, 'KiB": 48,', 'KiB": 10,');
    const over = ["SQ3102 9:24-9:26", "SQ3102 10:18-10:19"];
    await becomes(() => problems(document), over);
    const wrong = document.getText();
    const titles = async () => (await lensTitles(document)).filter((title) => title.startsWith("8:"));
    await becomes(titles, ["8: 3 budgets, 2 cannot be met", "8: Set all to nearest feasible"]);
    await ui.workbench.waitFor(".codelens-decoration a", "Set all to nearest feasible");
    await ui.workbench.click('.codelens-decoration a:has-text("Set all to nearest feasible")');
    await becomes(() => problems(document), []);
    await becomes(titles, ["8: 3 budgets, all can be met"]);
    assert.match(document.getText(), /"weightMemoryKiB": 2\d(\.\d)?, \/\/ what the linker script leaves\n/);
    await undoTo(document, wrong);
    await becomes(() => problems(document), over);
    await runLens(document, "Set all to nearest feasible");
    await becomes(() => problems(document), []);
    await vscode.commands.executeCommand("workbench.action.files.revert");
    await becomes(() => document.getText(), board);
  });

  it("has its bits sorted by an action", async () => {
    await replace(document, '[2, 4, 8],\n  "operators"', '[8, 2, 4],\n  "operators"');
    const wrong = document.getText();
    await run(document, rangeOf(document, "[8, 2, 4]"), /^Sort weightBits$/);
    await becomes(() => document.getText(), board);
    await undoTo(document, wrong);
    await undoTo(document, board);
  });
});
