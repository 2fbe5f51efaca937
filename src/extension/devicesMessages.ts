import * as vscode from "vscode";
import { assertNever } from "../core/errors.ts";
import type { DevicesCommand, FromDevicesPage } from "../protocol/devices.ts";
import { requests } from "../protocol/requests.ts";
import { pickModels, pickProfiles } from "./devicePickers.ts";
import type { DevicesPanels, OpenComparison } from "./devicesPanels.ts";
import { modelEditorType } from "./modelEditor.ts";
import { profileUri } from "./presetTexts.ts";

/** Carries out what the page of a comparison asks for. It names one of these actions, and what is compared, never a command of VS Code. */
export async function runDevicesMessage(
  message: Exclude<FromDevicesPage, { type: "ready" }>,
  comparison: OpenComparison,
  panels: DevicesPanels,
): Promise<void> {
  const { id, sets } = comparison;
  const { models, profiles } = sets;
  const isModel = (uri: string) => models.includes(uri);
  const isDevice = (device: string) => profiles.includes(device);
  switch (message.type) {
    case "command":
      return runCommand(message.command, comparison, panels);
    case "openProfile":
      if (isDevice(message.device)) await vscode.commands.executeCommand("vscode.open", profileUri(message.device));
      return;
    case "openModel":
      if (isModel(message.model)) await openModel(message.model);
      return;
    case "useDevice":
      if (isModel(message.model) && isDevice(message.device)) await useDevice(message, comparison, panels);
      return;
    case "removeDevice":
      return panels.compare(comparison, { models, profiles: profiles.filter((each) => each !== message.device) });
    case "removeModel":
      return panels.compare(comparison, { models: models.filter((each) => each !== message.model), profiles });
    case "copyRows": {
      const { text } = await panels.server.request(requests.devicesCsv, { id, rows: message.rows });
      return vscode.env.clipboard.writeText(text);
    }
    default:
      assertNever(message);
  }
}

async function runCommand(command: DevicesCommand, comparison: OpenComparison, panels: DevicesPanels): Promise<void> {
  const { id, sets, snapshot } = comparison;
  const { server, log } = panels;
  switch (command) {
    case "run":
      return server.request(requests.runDevices, { id });
    case "cancel":
      return server.request(requests.cancelDevices, { id });
    case "refresh":
      await panels.compare(comparison, sets);
      return server.request(requests.runDevices, { id });
    case "chooseProfiles": {
      const profiles = await pickProfiles(server, sets.profiles);
      return profiles && panels.compare(comparison, { ...sets, profiles });
    }
    case "chooseModels": {
      const models = await pickModels(sets.models);
      return models && panels.compare(comparison, { ...sets, models });
    }
    case "newProfile": {
      const made = await vscode.commands.executeCommand<vscode.Uri | undefined>("sigmaquant.newProfile");
      const profiles = made ? [...sets.profiles, made.toString()] : sets.profiles;
      return panels.compare(comparison, { ...sets, profiles });
    }
    case "chooseCalibration": {
      const bare = snapshot?.notices.find(({ kind }) => kind === "noSamples");
      const names = bare?.kind === "noSamples" ? bare.models : [];
      const model = snapshot?.models.find(({ name }) => names.includes(name))?.uri ?? sets.models[0];
      if (model === undefined) return;
      await vscode.commands.executeCommand("sigmaquant.chooseCalibration", vscode.Uri.parse(model));
      return panels.compare(comparison, sets);
    }
    case "exportCsv":
      return exportCsv(comparison, panels);
    case "manageTrust":
      await vscode.commands.executeCommand("workbench.trust.manage");
      return;
    case "showLog":
      return log.show();
    default:
      assertNever(command);
  }
}

async function exportCsv({ id, sets }: OpenComparison, { server }: DevicesPanels): Promise<void> {
  const { name, text } = await server.request(requests.devicesCsv, { id });
  const [model] = sets.models;
  const folder = model === undefined ? undefined : vscode.Uri.joinPath(vscode.Uri.parse(model), "..");
  const target = await vscode.window.showSaveDialog({
    ...(folder && { defaultUri: vscode.Uri.joinPath(folder, name) }),
    filters: { [vscode.l10n.t("Comma-separated values")]: ["csv"] },
  });
  if (!target) return;
  await vscode.workspace.fs.writeFile(target, new TextEncoder().encode(text));
  await vscode.window.showTextDocument(target);
}

async function openModel(uri: string): Promise<void> {
  await vscode.commands.executeCommand("vscode.openWith", vscode.Uri.parse(uri), modelEditorType);
}

/** Makes a device the one that a model is quantized for; its editor, if it is open, follows. */
async function useDevice(
  { model, device }: { readonly model: string; readonly device: string },
  comparison: OpenComparison,
  panels: DevicesPanels,
): Promise<void> {
  const { server, choices, editors } = panels;
  const chosen = await choices.set(model, { profile: device });
  if (editors.has(vscode.Uri.parse(model))) await server.request(requests.setChoices, { uri: model, choices: chosen });
  await panels.compare(comparison, comparison.sets);
}
