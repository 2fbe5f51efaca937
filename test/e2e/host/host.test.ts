import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, it } from "mocha";
import * as vscode from "vscode";
import { ui } from "../../support/vscode/client.ts";
import { pictures, type Theme, useTheme } from "../../support/vscode/pictures.ts";
import { until } from "../../support/vscode/until.ts";

/** The width stands in a PNG file's first chunk: 8 bytes of signature, 8 of the chunk's length and name, then the number. */
const pngWidthAt = 16;

interface Probe {
  readonly greeted: readonly string[];
  readonly logFolder: string;
}

function file(name: string): vscode.Uri {
  const folder = vscode.workspace.workspaceFolders?.[0];
  assert.ok(folder, "a folder is open");
  return vscode.Uri.joinPath(folder.uri, name);
}

async function probe(): Promise<Probe> {
  const extension = vscode.extensions.getExtension<Probe>("sigmaquant-tests.host-probe");
  assert.ok(extension, "the extension under test is there");
  return extension.activate();
}

describe("the editor that the tests drive", () => {
  it("opens a custom editor on a double click, and its page takes typing and clicks", async () => {
    await probe();
    await ui.openFile("first.probe");
    await ui.webview.fill("#name", "Ada");
    await ui.webview.click("#ping");
    assert.equal(await ui.webview.waitFor("#answer", "Hello"), "Hello, Ada!");
    assert.ok(vscode.window.tabGroups.activeTabGroup.activeTab?.input instanceof vscode.TabInputCustom);
  });

  it("shows a page in every kind of theme, with that theme's colours", async () => {
    await vscode.commands.executeCommand("vscode.open", file("first.probe"));
    await ui.webview.waitFor("#ping");
    const seen = new Map<string, Theme>();
    for (const theme of ["light", "highContrast", "highContrastLight", "dark"] as const) {
      await useTheme(theme);
      const colours = await Promise.all(["color", "background-color"].map((name) => ui.webview.style("body", name)));
      seen.set(colours.join(" on "), theme);
    }
    assert.deepEqual([...seen.values()], ["light", "highContrast", "highContrastLight", "dark"], [...seen].join("; "));
  });

  it("takes pictures in three themes and in a narrow window", async () => {
    const files = await pictures("host-probe");
    assert.equal(files.length, 4);
    const widths = files.map((picture) => readFileSync(picture).readUInt32BE(pngWidthAt));
    assert.deepEqual(widths, [1400, 1400, 1400, 720]);
  });

  it("runs a command from the explorer's context menu with the file that was clicked", async () => {
    const { greeted } = await probe();
    const labels = await ui.explorerMenu("first.probe", "Host Probe: Greet");
    assert.ok(labels.includes("Host Probe: Greet"));
    await until(() => greeted.length > 0);
    assert.equal(greeted[0], file("first.probe").toString());
  });

  it("runs a command from the palette", async () => {
    const { greeted } = await probe();
    const before = greeted.length;
    await ui.command("Host Probe: Greet");
    await until(() => greeted.length > before);
  });

  it("writes what an extension logs", async () => {
    const { logFolder } = await probe();
    await vscode.commands.executeCommand("hostProbe.greet");
    await until(() => filesBelow(path.dirname(logFolder)).some((log) => readFileSync(log, "utf8").includes("greeted")));
  });

  it("finds files, and notices one that another program writes", async () => {
    const watcher = vscode.workspace.createFileSystemWatcher("**/*.probe");
    const seen: string[] = [];
    watcher.onDidCreate((uri) => seen.push(uri.toString()));
    try {
      const found = await vscode.workspace.findFiles("**/*.probe");
      assert.deepEqual(found.map(String), [file("first.probe").toString()]);
      // The watcher starts some time after it is made; writing again until it sees one waits for that.
      await until(() => {
        writeFileSync(file(`new-${Date.now()}.probe`).fsPath, "");
        return seen.length > 0;
      });
    } finally {
      watcher.dispose();
    }
  });

  it("checks JSON with the schemas that it knows", async () => {
    const document = await vscode.workspace.openTextDocument(file("package.json"));
    await vscode.window.showTextDocument(document);
    await until(() => vscode.languages.getDiagnostics(document.uri).length > 0);
  });
});

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => path.join(folder, name))
    .filter((name) => statSync(name).isFile());
}
