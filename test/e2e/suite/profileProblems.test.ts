import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import * as vscode from "vscode";
import { until } from "../../support/vscode/until.ts";
import { closeAll, file, prepare } from "./support.ts";

/** Something for VS Code's own JSON editor to find, and something that no schema can say. */
const misspelt = `{
  "name": "Shelf camera", // a comment
  "weightBits": [2, 4, 4, 8],
  "budgets": { "weightMemoryKB": 32 }
}
`;
const profile = file("problems.hwprofile.json");

interface Shown {
  readonly text: string;
  readonly source: string | undefined;
  readonly code: unknown;
}

/** All problems that a person sees in a file, whoever found them. */
function shown(document: vscode.TextDocument): readonly Shown[] {
  return vscode.languages.getDiagnostics(document.uri).map(({ range, source, code }) => ({
    text: document.getText(range),
    source,
    // Ours lead to their explanation.
    code: typeof code === "object" ? code.value : code,
  }));
}

describe("problems of a profile in an editor that checks JSON itself", () => {
  let document: vscode.TextDocument;

  before(async () => {
    await prepare();
    await vscode.workspace.fs.writeFile(profile, new TextEncoder().encode(misspelt));
    document = await vscode.workspace.openTextDocument(profile);
    await vscode.window.showTextDocument(document);
  });
  after(async () => {
    await closeAll();
    await vscode.workspace.fs.delete(profile);
  });

  it("are shown once", async () => {
    await until(() => shown(document).length > 0);
    // Long enough for whoever would say it a second time.
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const [found, ...more] = shown(document);
    assert.deepEqual(more, []);
    assert.equal(found?.text, '"weightMemoryKB"');
    assert.notEqual(found?.source, "sigmaquant");
  });

  it("are repaired by a fix of ours, after which what the schema can't say is shown", async () => {
    const at = document.positionAt(document.getText().indexOf("weightMemoryKB"));
    const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>(
      "vscode.executeCodeActionProvider",
      profile,
      new vscode.Range(at, at),
    );
    const action = actions.find(({ title }) => title === 'Change to "weightMemoryKiB"');
    assert.ok(action?.edit, actions.map(({ title }) => title).join("; "));
    await vscode.workspace.applyEdit(action.edit);
    await until(() => shown(document)[0]?.source === "sigmaquant");
    // Whether the budget can be met is another question, for the models that are in the workspace by then.
    const own = shown(document).filter(({ code }) => code !== "SQ3102");
    assert.deepEqual(own, [{ text: "4", source: "sigmaquant", code: "SQ3011" }]);
    assert.ok(document.getText().includes("// a comment"));
  });

  it("are shown by us where VS Code is told not to check JSON", async () => {
    const json = vscode.workspace.getConfiguration("json");
    await json.update("validate.enable", false, vscode.ConfigurationTarget.Global);
    try {
      await vscode.commands.executeCommand("undo");
      await until(() => shown(document).some(({ code }) => code === "SQ3005"));
      assert.deepEqual(
        shown(document).map(({ code }) => code),
        ["SQ3005"],
      );
    } finally {
      await json.update("validate.enable", undefined, vscode.ConfigurationTarget.Global);
    }
    await until(() => shown(document).every(({ code }) => code !== "SQ3005"));
  });
});
