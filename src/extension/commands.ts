import * as path from "node:path";
import * as vscode from "vscode";
import type { EditorSnapshot } from "../protocol/editor.ts";
import { modelTextScheme } from "../protocol/modelText.ts";
import { type ExportFormat, requests } from "../protocol/requests.ts";
import type { CommandHandler } from "./commandTable.ts";
import { calledOn, compareDevices } from "./compareDevices.ts";
import type { DevicesPanels } from "./devicesPanels.ts";
import type { Log } from "./log.ts";
import type { ChoicesStore } from "./modelChoices.ts";
import { type ModelEditors, modelEditorType } from "./modelEditor.ts";
import { modelOfText, openModelText } from "./modelTexts.ts";
import { createProfile, pickProfile, pickSamples } from "./pickers.ts";
import { mayRun, quantizeModels } from "./quantizeCommand.ts";
import type { ServerConnection } from "./server.ts";
import { applyTextChange } from "./textChange.ts";

export interface CommandContext {
  readonly server: ServerConnection;
  readonly choices: ChoicesStore;
  readonly editors: ModelEditors;
  readonly devices: DevicesPanels;
  readonly log: Log;
}

/** Every command of the manifest and what it does. */
export function commandTable(context: CommandContext): Readonly<Record<string, CommandHandler>> {
  const { server, choices, editors, log } = context;
  /** The model that a command is for: the one it was called on, else the active one, else one that is asked for. */
  const modelFor = async (uri: vscode.Uri | undefined): Promise<vscode.Uri> => {
    const model = (uri && modelOf(uri)) ?? editors.activeModel?.uri ?? activeTextModel() ?? (await pickModel());
    if (!model) throw new vscode.CancellationError();
    return model;
  };
  const onModel =
    (body: (model: vscode.Uri, uri: string) => Promise<unknown>): CommandHandler =>
    async (uri) => {
      const model = await modelFor(uri);
      return body(model, model.toString());
    };
  /** Commands that need the model open in the server: where no editor shows it, for as long as they take. */
  const onOpenModel = (
    body: (uri: string, model: vscode.Uri, snapshot: EditorSnapshot) => Promise<unknown>,
  ): CommandHandler => onModel((model, uri) => editors.whileOpen(model, (snapshot) => body(uri, model, snapshot)));
  const edit = (kind: "reallocate" | "resetAll") =>
    onOpenModel(async (uri) => applyTextChange(await server.request(requests.editPlan, { uri, edit: { kind } })));
  const exportAs = (format: ExportFormat) =>
    onOpenModel(async (uri, model) => {
      const { name, text } = await server.request(requests.exportText, { uri, format });
      const folder = vscode.Uri.joinPath(model, "..");
      const target = await vscode.window.showSaveDialog({ defaultUri: vscode.Uri.joinPath(folder, name) });
      if (!target) return;
      await vscode.workspace.fs.writeFile(target, new TextEncoder().encode(text));
      await vscode.window.showTextDocument(target);
    });
  const chooseSet = (kind: "calibration" | "evaluation", title: string) =>
    onOpenModel(async (uri, _, snapshot) => {
      const set = await pickSamples(snapshot.sampleSets, title, { synthetic: kind === "calibration" });
      if (set === undefined) return;
      await server.request(requests.setChoices, { uri, choices: await choices.set(uri, { [kind]: set }) });
    });

  return {
    "sigmaquant.quantize": async (uri, selected) => {
      const models = selected?.filter((each) => each.path.toLowerCase().endsWith(".onnx")) ?? [await modelFor(uri)];
      await quantizeModels(models, context);
    },
    "sigmaquant.analyze": onModel(async (model, uri) => {
      if (!(await mayRun())) return;
      await vscode.commands.executeCommand("vscode.openWith", model, modelEditorType);
      await server.request(requests.openModel, { uri, choices: choices.get(uri) });
      await server.request(requests.analyze, { uri });
    }),
    "sigmaquant.cancel": onModel((_, uri) => server.request(requests.cancel, { uri })),
    "sigmaquant.reopen": onModel(async (_, uri) => {
      // A server that starts opens again what is open here.
      if (server.isDown) return server.restart();
      await server.request(requests.closeModel, { uri });
      await server.request(requests.openModel, { uri, choices: choices.get(uri) });
    }),
    "sigmaquant.openPlan": onOpenModel(async (uri) => {
      const document = await applyTextChange(await server.request(requests.planText, { uri }));
      await vscode.window.showTextDocument(document, { viewColumn: vscode.ViewColumn.Beside });
    }),
    "sigmaquant.reallocate": edit("reallocate"),
    "sigmaquant.resetAllBits": edit("resetAll"),
    "sigmaquant.writeToProfile": onOpenModel(async (uri) => {
      await applyTextChange(await server.request(requests.writeToProfile, { uri }));
      await server.request(requests.resetWhatIf, { uri });
    }),
    "sigmaquant.resetWhatIf": onOpenModel((uri) => server.request(requests.resetWhatIf, { uri })),
    "sigmaquant.exportReport": exportAs("report"),
    "sigmaquant.exportCsv": exportAs("csv"),
    "sigmaquant.exportModelExplorer": exportAs("modelExplorer"),
    "sigmaquant.newProfile": () => createProfile(server),
    "sigmaquant.chooseProfile": onOpenModel(async (uri, _, snapshot) => {
      const profile = await pickProfile(snapshot.profiles, snapshot.profile?.id);
      if (profile === undefined) return;
      await server.request(requests.setChoices, { uri, choices: await choices.set(uri, { profile }) });
    }),
    "sigmaquant.editProfile": onOpenModel(async (_uri, _model, { profile }) => {
      const id = profile?.id;
      if (id === undefined || id.startsWith("preset:")) return createProfile(server);
      return vscode.window.showTextDocument(vscode.Uri.parse(id), { viewColumn: vscode.ViewColumn.Beside });
    }),
    "sigmaquant.chooseCalibration": chooseSet("calibration", vscode.l10n.t("Samples to calibrate with")),
    "sigmaquant.chooseEvaluation": chooseSet("evaluation", vscode.l10n.t("Labelled samples to measure accuracy on")),
    "sigmaquant.compare": onOpenModel((uri) => compareWith(server, uri)),
    "sigmaquant.compareDevices": async (uri, selected) =>
      compareDevices(context.devices, calledOn(uri, selected), editors.activeModel?.uri ?? activeTextModel()),
    "sigmaquant.openReport": onOpenModel(async (_uri, _model, { comparison }) => {
      const report = comparison?.files.find(({ path: file }) => file.endsWith(".md"));
      if (report) await vscode.commands.executeCommand("markdown.showPreview", vscode.Uri.file(report.path));
    }),
    "sigmaquant.openAsText": onModel((model) => openModelText(model)),
    "sigmaquant.openHex": onModel(async (model) => {
      const hexEditor = "hexEditor.hexedit";
      const there = vscode.extensions.getExtension("ms-vscode.hexeditor");
      if (there) await vscode.commands.executeCommand("vscode.openWith", model, hexEditor);
      else await vscode.commands.executeCommand("workbench.extensions.search", "ms-vscode.hexeditor");
    }),
    "sigmaquant.restartServer": () => server.restart(),
    "sigmaquant.showLog": async () => log.show(),
  };
}

/** The diff editor over two plans: the stable order of their lines makes it read as a comparison of models. */
async function compareWith(server: ServerConnection, uri: string): Promise<void> {
  const own = await applyTextChange(await server.request(requests.planText, { uri }));
  const others = await vscode.workspace.findFiles("**/*.sigmaquant.json", "**/node_modules/**");
  const items = others
    .filter((other) => other.toString() !== own.uri.toString())
    .map((other) => ({ label: vscode.workspace.asRelativePath(other), uri: other }));
  if (items.length === 0) {
    void vscode.window.showInformationMessage(
      vscode.l10n.t("There is no other plan in this workspace to compare with."),
    );
    return;
  }
  const title = vscode.l10n.t("Compare {0} with", path.basename(own.uri.fsPath));
  const picked = await vscode.window.showQuickPick(items, { title });
  if (picked) await vscode.commands.executeCommand("vscode.diff", picked.uri, own.uri);
}

/** A file that is shown as text is meant itself. */
function modelOf(uri: vscode.Uri): vscode.Uri {
  return uri.scheme === modelTextScheme ? modelOfText(uri) : uri;
}

function activeTextModel(): vscode.Uri | undefined {
  const uri = vscode.window.activeTextEditor?.document.uri;
  return uri?.scheme === modelTextScheme ? modelOfText(uri) : undefined;
}

async function pickModel(): Promise<vscode.Uri | undefined> {
  const found = await vscode.workspace.findFiles("**/*.onnx", "**/node_modules/**", 500);
  const items = found.map((uri) => ({ label: vscode.workspace.asRelativePath(uri), uri }));
  if (items.length === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t("There is no .onnx model in this workspace."));
    return undefined;
  }
  return (await vscode.window.showQuickPick(items, { title: vscode.l10n.t("Select a model") }))?.uri;
}
