import * as vscode from "vscode";

/** The extension's log, shown by "Show Log"; the server writes into it too. */
export type Log = vscode.LogOutputChannel;

export function createLog(): Log {
  return vscode.window.createOutputChannel("SigmaQuant", { log: true });
}
