import * as path from "node:path";
import * as vscode from "vscode";
import type { DevicesSnapshot } from "../protocol/devices.ts";
import type { EditorSnapshot } from "../protocol/editor.ts";
import { showError } from "./errors.ts";
import type { Log } from "./log.ts";
import type { ServerConnection } from "./server.ts";

/** In the form that errors of the server have; codes and names are those of docs/errors.md. */
const problem = { code: "SQ1106", slug: "server-down" } as const;

function message(): string {
  return vscode.l10n.t("The SigmaQuant server stopped again and again, and is not started any more");
}

function remedy(): string {
  return vscode.l10n.t('Start it with the command "SigmaQuant: Restart Server"; the log may say why it stopped.');
}

/** A request that can't be answered: the server died too often to be started again without being asked. */
export class ServerDown extends Error {
  override readonly name = "ServerDown";
  readonly data = { ...problem, message: message(), remedy: remedy() };

  constructor() {
    super(message());
  }
}

/** Tells that the server is down, wherever the person is, with a way to start it. */
export function tellServerDown(server: ServerConnection, log: Log): vscode.Disposable {
  return server.onDown(async () => {
    log.error(message());
    const restart = vscode.l10n.t("Restart");
    const showLog = vscode.l10n.t("Show Log");
    const picked = await vscode.window.showErrorMessage(`${message()}.`, restart, showLog);
    if (picked === showLog) log.show();
    // It may have been started by the command meanwhile.
    if (picked === restart && server.isDown) await server.restart().catch((error) => showError(error, log));
  });
}

/** What a model's page shows while the server is down: what was known, with nothing at work; if nothing was, that. */
export function modelWithoutServer(model: vscode.Uri, snapshot: EditorSnapshot | undefined): EditorSnapshot {
  if (!snapshot) return { ...unknownModel(path.basename(model.fsPath)), trusted: vscode.workspace.isTrusted };
  const { work: _, ...kept } = snapshot;
  // How much an earlier server had done is told by the next one.
  const others = kept.notices.filter(({ kind }) => kind !== "restarted" && kind !== "stopped");
  return { ...kept, notices: [notice(), ...others] };
}

/** The same for a comparison of devices. */
export function devicesWithoutServer(snapshot: DevicesSnapshot): DevicesSnapshot {
  const { work: _, ...kept } = snapshot;
  const rows = kept.rows.map((row) => {
    if (row.state !== "running") return row;
    return { ...row, state: row.figures ? ("expected" as const) : ("waiting" as const) };
  });
  return { ...kept, rows, notices: [notice(), ...kept.notices] };
}

function notice() {
  return { kind: "problem", message: `${message()}. ${remedy()}`, code: problem.code } as const;
}

function unknownModel(fileName: string): EditorSnapshot {
  const title = vscode.l10n.t("{0} can't be read now", fileName);
  return {
    sequence: 0,
    fileName,
    fatal: { title, message: message(), remedy: remedy(), ...problem },
    trusted: false,
    profiles: [],
    sampleSets: [],
    strategy: "sigmaquant",
    bits: [],
    synthetic: false,
    notices: [],
    remedies: [],
    budgets: [],
    layers: [],
    trace: [],
    hasPlan: false,
  };
}
