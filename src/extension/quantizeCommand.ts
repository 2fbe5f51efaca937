import * as path from "node:path";
import * as vscode from "vscode";
import type { Work } from "../protocol/editor.ts";
import { type ModelChoices, notifications, type QuantizeResult, requests } from "../protocol/requests.ts";
import type { ChoicesStore } from "./modelChoices.ts";
import { type ModelEditors, modelEditorType } from "./modelEditor.ts";
import { pickProfile, pickSamples } from "./pickers.ts";
import type { ServerConnection } from "./server.ts";

export interface QuantizeContext {
  readonly server: ServerConnection;
  readonly choices: ChoicesStore;
  readonly editors: ModelEditors;
}

/** Quantizes models one after the other; asks only for what it can't know. */
export async function quantizeModels(models: readonly vscode.Uri[], context: QuantizeContext): Promise<void> {
  if (!(await mayRun())) return;
  for (const model of models) {
    try {
      if (!(await askWhatIsMissing(model, context))) return;
      const result = await quantizeWithProgress(model, context);
      if (!result) return;
      await tell(model, result, models.length > 1);
    } finally {
      // Each open model has a process of its own: none stays without an editor.
      if (!context.editors.has(model)) await context.server.request(requests.closeModel, { uri: model.toString() });
    }
  }
}

/** Running a model is for trusted workspaces: its operators are a stranger's. */
export async function mayRun(): Promise<boolean> {
  if (vscode.workspace.isTrusted) return true;
  const manage = vscode.l10n.t("Manage Workspace Trust");
  const message = vscode.l10n.t("This runs the model, which Restricted Mode does not allow.");
  if ((await vscode.window.showWarningMessage(message, manage)) === manage) {
    await vscode.commands.executeCommand("workbench.trust.manage");
  }
  return false;
}

/** @returns false when the person backed out */
async function askWhatIsMissing(model: vscode.Uri, { server, choices }: QuantizeContext): Promise<boolean> {
  const uri = model.toString();
  const snapshot = await server.request(requests.openModel, { uri, choices: choices.get(uri) });
  let changed: ModelChoices = {};
  const workspaceProfiles = snapshot.profiles.filter(({ kind }) => kind === "workspace");
  if (!snapshot.profile || (workspaceProfiles.length > 1 && choices.get(uri).profile === undefined)) {
    const profile = await pickProfile(snapshot.profiles, snapshot.profile?.id);
    if (profile === undefined) return false;
    changed = { ...changed, profile };
  }
  const own = choices.get(uri);
  const hasSets = own.calibration !== undefined || snapshot.calibration !== undefined || snapshot.sampleSets.length > 0;
  if (!hasSets) {
    const title = vscode.l10n.t("Samples to calibrate {0} with", path.basename(model.fsPath));
    const calibration = await pickSamples([], title, { synthetic: true });
    if (calibration === undefined) return false;
    changed = { ...changed, calibration };
  }
  if (Object.keys(changed).length > 0) {
    await server.request(requests.setChoices, { uri, choices: await choices.set(uri, changed) });
  }
  return true;
}

async function quantizeWithProgress(
  model: vscode.Uri,
  { server, editors }: QuantizeContext,
): Promise<Extract<QuantizeResult, { kind: "done" }> | undefined> {
  const uri = model.toString();
  const name = path.basename(model.fsPath);
  // An open page shows the progress itself; a notification would say it twice.
  const location = editors.snapshotOf(model) ? vscode.ProgressLocation.Window : vscode.ProgressLocation.Notification;
  const run = (overwrite: boolean) =>
    vscode.window.withProgress(
      { location, title: vscode.l10n.t("Quantizing {0}", name), cancellable: true },
      async (progress, token) => {
        let last = 0;
        const listener = server.on(notifications.snapshot, ({ uri: of, snapshot: { work } }) => {
          if (vscode.Uri.parse(of).toString() !== uri || !work) return;
          // An analysis that was under way comes first; the bar is for the run itself.
          if (work.kind !== "quantize") {
            progress.report({ message: progressText(work) });
            return;
          }
          const done = (100 * work.done) / Math.max(1, work.total);
          progress.report({ message: progressText(work), increment: Math.max(0, done - last) });
          last = done;
        });
        try {
          return await server.request(requests.quantize, { uri, overwrite }, token);
        } finally {
          listener.dispose();
        }
      },
    );
  const first = await run(false);
  if (first.kind === "done") return first;
  const replace = vscode.l10n.t("Replace");
  const names = first.files.map((file) => path.basename(file)).join(", ");
  const message =
    first.files.length === 1
      ? vscode.l10n.t("{0} is there already. Replace it?", names)
      : vscode.l10n.t("{0} are there already. Replace them?", names);
  if ((await vscode.window.showWarningMessage(message, { modal: true }, replace)) !== replace) return undefined;
  const second = await run(true);
  return second.kind === "done" ? second : undefined;
}

function progressText({ stage, note, done, total, secondsLeft }: Work): string {
  const left = secondsLeft === undefined ? "" : vscode.l10n.t(", about {0} s left", Math.ceil(secondsLeft));
  return `${stage}${note ? ` ${note}` : ""}, ${done} of ${total}${left}`;
}

/** The page shows the comparison; without one on screen it is opened. With several models a note says how each came out. */
async function tell(
  model: vscode.Uri,
  result: Extract<QuantizeResult, { kind: "done" }>,
  many: boolean,
): Promise<void> {
  const { headline } = result.comparison.verdict;
  if (!many) {
    await vscode.commands.executeCommand("vscode.openWith", model, modelEditorType);
    return;
  }
  void vscode.window.showInformationMessage(`${path.basename(model.fsPath)}: ${headline}`);
}
