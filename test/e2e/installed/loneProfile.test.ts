import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { commandLine, descendants } from "../../support/processes.ts";
import { writeProfile } from "../../support/smallWorkspace.ts";
import { chosenEditors } from "../../support/vscode/editors.ts";
import { until } from "../../support/vscode/until.ts";
import { openWorkbench, type Workbench } from "../../support/vscode/workbench.ts";

/** The servers of the extension that run now, below this process. */
function servers(): readonly number[] {
  return descendants(process.pid).filter((pid) => commandLine(pid).includes(path.join("dist", "server.cjs")));
}

describe.each(chosenEditors())("a file in a window without a folder in the %s editor", (host) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), "sigmaquant-lone-"));
  let workbench: Workbench | undefined;
  const open = async (file: string) => {
    const vsix = process.env.SIGMAQUANT_TEST_VSIX;
    if (vsix === undefined) throw new Error("there is no package to install: run this with npm test");
    workbench = await openWorkbench({ host, file, vsix });
    return workbench.ui;
  };

  afterEach(async () => {
    await workbench?.close();
    workbench = undefined;
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));

  it("does not start the extension where it is other JSON", async () => {
    const file = path.join(folder, "settings.jsonc");
    writeFileSync(file, '{ "colour": "a" }\n');
    const ui = await open(file);
    await ui.workbench.waitFor(".monaco-editor .view-line", "colour");
    // JSON's own extension is there.
    await ui.workbench.waitFor(".statusbar-item", "JSON with Comments");
    expect(servers()).toEqual([]);
  });

  it("starts it where it is a device profile that names no schema: what is wrong with it is told", async () => {
    const profile = writeProfile(folder);
    // A bitwidth twice, which no schema forbids here.
    const text = readFileSync(profile, "utf8")
      .replace(/^\s*"\$schema".*$/m, "")
      .replace('"activationBits": [8]', '"activationBits": [8, 8]');
    expect(text).not.toContain("$schema");
    writeFileSync(profile, text);
    const ui = await open(profile);
    await ui.workbench.waitFor(".monaco-editor .view-line", "activationBits");
    await until(() => servers().length === 1);
    await ui.command("Problems: Focus on Problems View");
    await ui.workbench.waitFor(".markers-panel", "SQ3011");
  });
});
