import * as vscode from "vscode";
import type { EditorSnapshot } from "../protocol/editor.ts";
import { notifications, requests } from "../protocol/requests.ts";
import type { CommandContext } from "./commands.ts";
import { compareOn } from "./compareDevices.ts";
import { showError } from "./errors.ts";
import { layerCommand } from "./layerCommand.ts";
import { modelEditorType } from "./modelEditor.ts";
import type { ServerConnection } from "./server.ts";
import { applyTextChange } from "./textChange.ts";

/** Commands behind the lenses and hovers of profiles and plans; their arguments come from the server, and are checked all the same. */
export function registerLanguageCommands(context: CommandContext): vscode.Disposable {
  const { editors, log } = context;
  const register = (command: string, body: (about: Readonly<Record<string, unknown>>) => Promise<unknown>) =>
    vscode.commands.registerCommand(command, async (about?: unknown) => {
      log.debug(command);
      try {
        await body(typeof about === "object" && about !== null ? { ...about } : {});
      } catch (error) {
        await showError(error, log);
      }
    });
  return vscode.Disposable.from(
    register(layerCommand, async ({ uri, layer }) => {
      const model = modelUri(uri);
      if (!model) return;
      if (typeof layer === "string") await editors.reveal(model, layer);
      else await vscode.commands.executeCommand("vscode.openWith", model, modelEditorType);
    }),
    register("sigmaquant.allocateFor", async ({ uri, profile }) => {
      const model = modelUri(uri);
      if (model && typeof profile === "string") await allocateFor(context, model, profile);
    }),
    register("sigmaquant.compareOn", async ({ uri, profile }) => {
      const model = modelUri(uri);
      if (model && typeof profile === "string") await compareOn(context.devices, model.toString(), profile);
    }),
  );
}

function modelUri(uri: unknown): vscode.Uri | undefined {
  const model = typeof uri === "string" ? vscode.Uri.parse(uri) : undefined;
  return model?.path.toLowerCase().endsWith(".onnx") ? model : undefined;
}

/** Gives a model this device, allocates its bits anew around its pins, and shows the plan beside the profile. */
async function allocateFor(context: CommandContext, model: vscode.Uri, profile: string): Promise<void> {
  const { server, choices, editors } = context;
  const uri = model.toString();
  const change = await editors.whileOpen(model, async () => {
    const before = await allocated(server, model, () =>
      server.request(requests.openModel, { uri, choices: choices.get(uri) }),
    );
    if (before.profile?.id !== profile) {
      await server.request(requests.setChoices, { uri, choices: await choices.set(uri, { profile }) });
    }
    return server.request(requests.editPlan, { uri, edit: { kind: "reallocate" } });
  });
  const document = await applyTextChange(change);
  await vscode.window.showTextDocument(document, { viewColumn: vscode.ViewColumn.Beside });
}

/** Opens a model and waits until its layers are known well enough for bits to be allocated. */
async function allocated(
  server: ServerConnection,
  model: vscode.Uri,
  open: () => Promise<EditorSnapshot>,
): Promise<EditorSnapshot> {
  const isReady = ({ layers, fatal, notices }: EditorSnapshot) =>
    fatal !== undefined ||
    notices.some(({ kind }) => kind === "problem" || kind === "stopped") ||
    (layers.length > 0 && layers.every(({ sigma, floatReason }) => sigma !== undefined || floatReason !== undefined));
  const title = vscode.l10n.t("Allocating {0}", vscode.workspace.asRelativePath(model));
  const options = { location: vscode.ProgressLocation.Window, title };
  return vscode.window.withProgress(options, async () => {
    let listener: vscode.Disposable | undefined;
    const later = new Promise<EditorSnapshot>((resolve) => {
      listener = server.on(notifications.snapshot, ({ uri, snapshot }) => {
        if (vscode.Uri.parse(uri).toString() === model.toString() && isReady(snapshot)) resolve(snapshot);
      });
    });
    try {
      const now = await open();
      return isReady(now) ? now : await later;
    } finally {
      listener?.dispose();
    }
  });
}
