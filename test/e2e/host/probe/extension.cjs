/** The smallest extension with commands, a custom editor and a log: what the smoke test of the editors themselves looks at. */
"use strict";
const vscode = require("vscode");

const page = `<!doctype html><meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'nonce-probe'">
<button id="ping">Ping</button> <input id="name" aria-label="Name"> <p id="answer"></p>
<script nonce="probe">
  const api = acquireVsCodeApi();
  document.getElementById("ping").onclick = () => api.postMessage(document.getElementById("name").value);
  addEventListener("message", (event) => (document.getElementById("answer").textContent = event.data));
</script>`;

/** @param {vscode.ExtensionContext} context */
exports.activate = (context) => {
  /** @type {(string | undefined)[]} */
  const greeted = [];
  const log = vscode.window.createOutputChannel("Host Probe", { log: true });
  context.subscriptions.push(
    log,
    vscode.commands.registerCommand("hostProbe.greet", (uri) => {
      greeted.push(uri?.toString());
      log.info("greeted");
    }),
    vscode.commands.registerCommand("hostProbe.ask", async () => {
      const answer = await vscode.window.showInformationMessage("How are you?", "Fine");
      vscode.window.setStatusBarMessage(`The answer is ${answer}`);
    }),
    vscode.window.registerCustomEditorProvider("hostProbe.editor", {
      openCustomDocument: (uri) => ({ uri, dispose() {} }),
      resolveCustomEditor: (_document, panel) => {
        panel.webview.options = { enableScripts: true };
        panel.webview.onDidReceiveMessage((name) => panel.webview.postMessage(`Hello, ${name}!`));
        panel.webview.html = page;
      },
    }),
  );
  return { greeted, logFolder: context.logUri.fsPath };
};
