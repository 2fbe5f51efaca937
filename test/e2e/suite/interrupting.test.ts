import assert from "node:assert/strict";
import { copyFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { after, afterEach, before, beforeEach, describe, it } from "mocha";
import * as vscode from "vscode";
import { root } from "../../../scripts/lib/run.mjs";
import { cpuTicks, stillRunning } from "../../support/processes.ts";
import { ui } from "../../support/vscode/client.ts";
import { until } from "../../support/vscode/until.ts";
import {
  analyzed,
  closeAll,
  file,
  freshModel,
  longTestMs,
  openModel,
  ours,
  prepare,
  removeFolder,
  setting,
} from "./support.ts";

/** Few enough to be measured in seconds, and many enough to be interrupted: a quarter of them is run. */
const samples = 1024;

/** No engine computes anything. */
async function enginesRest(): Promise<void> {
  const used = () => ours("engine").reduce((all, pid) => all + (cpuTicks(pid) ?? 0), 0);
  let before = used();
  await until(() => {
    const now = used();
    const rest = now === before;
    before = now;
    return rest;
  });
}

describe("an analysis", () => {
  let model: vscode.Uri;
  let number = 0;
  let folder = "";

  before(async () => {
    await prepare();
    await setting("sensitivitySamples", samples);
  });
  // Each begins with a model that was never seen, so that there is something to measure.
  beforeEach(async () => {
    folder = `interrupted-${++number}`;
    model = await freshModel(folder);
    // The set with that many.
    copyFileSync(path.join(root, "examples/evaluation.npz"), file(folder, "calibration.npz").fsPath);
    await openModel(model);
    await ui.webview.waitFor(".work", "Measuring");
  });
  afterEach(async () => {
    await closeAll();
    await removeFolder(folder);
  });
  after(() => setting("sensitivitySamples", 32));

  it("shows layer, count and time left, and a place to cancel it", async () => {
    // Between two layers it names one alone.
    const text = await ui.webview.waitFor(".work:has-text(' bits, '):has-text('left')");
    assert.match(text, /Measuring \S.* at \d bits, \d+ of 60, about \d+ s left/);
    assert.ok(await ui.webview.isVisible('.work >> role=button[name="Cancel"]'));
    const done = Number(await ui.webview.attribute("role=progressbar", "aria-valuenow"));
    assert.ok(done >= 0 && done <= 100);
  });

  it("that is cancelled leaves nothing behind, and goes on where it stopped with Resume", async function () {
    this.timeout(longTestMs);
    const files = () => readdirSync(file().fsPath, { recursive: true, encoding: "utf8" }).sort();
    const before = files();
    await until(async () => measuredCount(await workText()) > 5);
    await ui.webview.click('.work >> role=button[name="Cancel"]');
    const told = await ui.webview.waitFor(".banner", "Stopped while measuring");
    assert.match(told, /Stopped while measuring, at [1-9]\d* of 60\./);
    await ui.webview.waitUntilGone(".work");
    await enginesRest();
    assert.deepEqual(files(), before);
    await ui.webview.click('.banner >> role=button[name="Resume"]');
    await ui.webview.waitUntilGone(".banner", "Stopped while measuring");
    assert.match(await analyzed(longTestMs), /^Fits, .*points?$/);
    assert.ok(!(await ui.webview.isVisible(".banner")));
  });

  it("survives the server: the page tells that it was restarted, and Resume goes on with what was kept", async function () {
    this.timeout(longTestMs);
    const [server = 0] = ours("server");
    const engines = ours("engine");
    assert.ok(server > 0 && engines.length > 0);
    // What is measured is on disk a second later.
    await until(async () => measuredCount(await workText()) > 20);
    process.kill(server, "SIGKILL");
    const told = await ui.webview.waitFor(".banner", "restarted");
    const [, kept] = /(\d+) of 60 measurements were kept/.exec(told) ?? [];
    assert.ok(Number(kept) > 0, told);
    await until(() => stillRunning([server, ...engines]).length === 0);
    await until(() => ours("server").length === 1);
    assert.ok(await ui.webview.isVisible(".row"));
    await ui.webview.click('.banner >> role=button[name="Resume"]');
    await ui.webview.waitUntilGone(".banner", "restarted");
    // Not from the beginning.
    await until(async () => measuredCount(await workText()) > Number(kept));
  });

  it("survives a crash in ONNX Runtime's process, which costs no more than the job", async function () {
    this.timeout(longTestMs);
    await until(async () => measuredCount(await workText()) > 10);
    const [server] = ours("server");
    for (const engine of ours("engine")) process.kill(engine, "SIGSEGV");
    await ui.webview.waitFor(".banner", "restarted");
    assert.deepEqual(ours("server"), [server]);
    await ui.webview.click('.banner >> role=button[name="Resume"]');
    await until(async () => measuredCount(await workText()) > 10);
    assert.deepEqual(ours("server"), [server]);
    assert.equal(ours("engine").length, 1);
  });

  it("ends when the server dies again and again: pages tell how to start it, and go on when it is", async function () {
    this.timeout(longTestMs);
    await until(async () => measuredCount(await workText()) > 10);
    const isDown = () => ui.webview.isVisible(".banner:has-text('again and again')");
    while (!(await isDown())) {
      const servers = ours("server");
      for (const server of servers) process.kill(server, "SIGKILL");
      await until(() => stillRunning(servers).length === 0);
      await until(async () => ours("server").length > 0 || (await isDown()));
    }
    const told = await ui.webview.text(".banner");
    assert.match(told, /Start it with the command "SigmaQuant: Restart Server".*SQ1106/s);
    assert.ok(!(await ui.webview.isVisible(".work")));
    assert.ok(await ui.webview.isVisible(".row"));
    // One that is opened now has nothing to show.
    await vscode.commands.executeCommand("vscode.open", file("mobilenetv2.onnx"), { preview: false });
    const fatal = await ui.webview.waitFor(".fatal", "mobilenetv2.onnx can't be read now");
    assert.match(fatal, /Restart Server.*SQ1106/s);
    await vscode.commands.executeCommand("sigmaquant.restartServer");
    await ui.webview.waitFor(".row");
    await ui.webview.waitUntilGone(".fatal");
    await vscode.commands.executeCommand("vscode.open", model);
    await ui.webview.waitUntilGone(".banner", "again and again");
    await ui.webview.waitFor(".banner", "was restarted");
    assert.equal(ours("server").length, 1);
    await ui.webview.click('.banner >> role=button[name="Resume"]');
    await until(async () => measuredCount(await workText()) > 10);
  });
});

/** What the page says of the work under way, if there is any. */
async function workText(): Promise<string> {
  return (await ui.webview.isVisible(".work")) ? ui.webview.text(".work") : "";
}

/** `Measuring /fc/Gemm at 3 bits, 41 of 60, ...`: 41. */
function measuredCount(text: string): number {
  return Number(/(\d+) of 60/.exec(text)?.[1] ?? 0);
}
