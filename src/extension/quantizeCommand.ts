import * as path from "node:path";
import * as vscode from "vscode";
import type { EditorSnapshot, Work } from "../protocol/editor.ts";
import { type ModelChoices, notifications, type QuantizeResult, requests } from "../protocol/requests.ts";
import { describeError, isCancelled, showError } from "./errors.ts";
import type { Log } from "./log.ts";
import type { ChoicesStore } from "./modelChoices.ts";
import { type ModelEditors, modelEditorType } from "./modelEditor.ts";
import { pickProfile, pickSamples } from "./pickers.ts";
import type { ServerConnection } from "./server.ts";

export interface QuantizeContext {
  readonly server: ServerConnection;
  readonly choices: ChoicesStore;
  readonly editors: ModelEditors;
  readonly log: Log;
}

type Done = Extract<QuantizeResult, { kind: "done" }>;

/**
 * Quantizes models one after the other; asks only for what it can't know. Of several, each is told by its name, and one that fails or
 * is skipped leaves the others theirs; cancelling ends them all.
 */
export async function quantizeModels(models: readonly vscode.Uri[], context: QuantizeContext): Promise<void> {
  if (!(await mayRun())) return;
  const many = models.length > 1;
  for (const model of models) {
    try {
      await context.editors.whileOpen(model, async (snapshot) => {
        const result = await quantizeOpen(model, snapshot, context, many);
        // Before it is closed: the page wants what the server knows of the run.
        if (result) await tell(model, result, many);
      });
    } catch (error) {
      if (!many || isCancelled(error)) throw error;
      const named = new Error(`${path.basename(model.fsPath)}: ${describeError(error)}`, { cause: error });
      // Not waited for: it stays on the screen until it is closed.
      void showError(named, context.log);
    }
  }
}

/** @returns undefined for one that is skipped @throws CancellationError where the person backed out */
async function quantizeOpen(
  model: vscode.Uri,
  snapshot: EditorSnapshot,
  context: QuantizeContext,
  many: boolean,
): Promise<Done | undefined> {
  // Nothing is asked for a file that can't be read.
  if (snapshot.fatal) throw Object.assign(new Error(snapshot.fatal.message), { data: snapshot.fatal });
  await askWhatIsMissing(model, snapshot, context);
  return quantizeWithProgress(model, context, many);
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

/** @throws CancellationError where the person backed out */
async function askWhatIsMissing(
  model: vscode.Uri,
  snapshot: EditorSnapshot,
  { server, choices }: QuantizeContext,
): Promise<void> {
  const uri = model.toString();
  let changed: ModelChoices = {};
  const workspaceProfiles = snapshot.profiles.filter(({ kind }) => kind === "workspace");
  if (!snapshot.profile || (workspaceProfiles.length > 1 && choices.get(uri).profile === undefined)) {
    const profile = await pickProfile(snapshot.profiles, snapshot.profile?.id);
    if (profile === undefined) throw new vscode.CancellationError();
    changed = { ...changed, profile };
  }
  const own = choices.get(uri);
  const hasSets = own.calibration !== undefined || snapshot.calibration !== undefined || snapshot.sampleSets.length > 0;
  if (!hasSets) {
    const title = vscode.l10n.t("Samples to calibrate {0} with", path.basename(model.fsPath));
    const calibration = await pickSamples([], title, { synthetic: true });
    if (calibration === undefined) throw new vscode.CancellationError();
    changed = { ...changed, calibration };
  }
  if (Object.keys(changed).length > 0) {
    await server.request(requests.setChoices, { uri, choices: await choices.set(uri, changed) });
  }
}

/** @returns undefined for one that is skipped @throws CancellationError where the person backed out */
async function quantizeWithProgress(
  model: vscode.Uri,
  { server, editors }: QuantizeContext,
  many: boolean,
): Promise<Done | undefined> {
  const uri = model.toString();
  const name = path.basename(model.fsPath);
  // An open page shows the progress itself; a notification would say it twice.
  const location = editors.hasPage(model) ? vscode.ProgressLocation.Window : vscode.ProgressLocation.Notification;
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
        } catch (error) {
          throw connectionClosed(error)
            ? new Error(vscode.l10n.t("The SigmaQuant server stopped while {0} was being quantized.", name))
            : error;
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
  const skip = vscode.l10n.t("Skip");
  const buttons = many ? [replace, skip] : [replace];
  const picked = await vscode.window.showWarningMessage(message, { modal: true }, ...buttons);
  if (picked === skip) return undefined;
  if (picked !== replace) throw new vscode.CancellationError();
  const second = await run(true);
  return second.kind === "done" ? second : undefined;
}

/** JSON-RPC's PendingResponseRejected: who was to answer has died. Elsewhere the page tells it, but here there may be none. */
function connectionClosed(error: unknown): boolean {
  return (error as { readonly code?: unknown }).code === -32097;
}

function progressText({ stage, note, done, total, secondsLeft }: Work): string {
  const left = secondsLeft === undefined ? "" : vscode.l10n.t(", about {0} s left", Math.ceil(secondsLeft));
  return `${stage}${note ? ` ${note}` : ""}, ${done} of ${total}${left}`;
}

/** The page shows the comparison; without one on screen it is opened. With several models a note says how each came out. */
async function tell(model: vscode.Uri, result: Done, many: boolean): Promise<void> {
  const { headline } = result.comparison.verdict;
  if (!many) {
    await vscode.commands.executeCommand("vscode.openWith", model, modelEditorType);
    return;
  }
  void vscode.window.showInformationMessage(`${path.basename(model.fsPath)}: ${headline}`);
}
