import * as path from "node:path";
import * as vscode from "vscode";
import type { Choice } from "../protocol/editor.ts";
import { requests } from "../protocol/requests.ts";
import type { ServerConnection } from "./server.ts";

interface IdItem extends vscode.QuickPickItem {
  readonly id: string;
}

/** The made-up samples' place in a list of sets. */
export const syntheticId = "synthetic";
const browseId = "browse";
const browseFolderId = "browseFolder";
const newProfileId = "new";

/** Asks for a device: the workspace's profiles first, then the presets. Undefined when the person backs out. */
export async function pickProfile(choices: readonly Choice[], current?: string): Promise<string | undefined> {
  const items: (IdItem | (vscode.QuickPickItem & { readonly id?: undefined }))[] = [];
  const group = (label: string, kind: Choice["kind"]) => {
    const own = choices.filter((choice) => choice.kind === kind);
    if (own.length === 0) return;
    items.push({ label, kind: vscode.QuickPickItemKind.Separator });
    for (const { id, label: name, detail } of own) {
      const description = id === current ? vscode.l10n.t("current") : (detail ?? "");
      items.push({ id, label: `$(chip) ${name}`, description });
    }
  };
  group(vscode.l10n.t("Workspace"), "workspace");
  group(vscode.l10n.t("Presets"), "preset");
  items.push({ label: "", kind: vscode.QuickPickItemKind.Separator });
  items.push({ id: newProfileId, label: `$(add) ${vscode.l10n.t("New Device Profile...")}` });
  const title = vscode.l10n.t("Select the device to quantize for");
  const picked = await vscode.window.showQuickPick(items, { title, matchOnDescription: true });
  if (picked?.id !== newProfileId) return picked?.id;
  const made = await vscode.commands.executeCommand<vscode.Uri | undefined>("sigmaquant.newProfile");
  return made?.toString();
}

/** Asks for a set of samples: those of the workspace, a file or folder from elsewhere, or made-up ones. Returns a path or `synthetic`. */
export async function pickSamples(
  choices: readonly Choice[],
  title: string,
  options: { readonly synthetic: boolean },
): Promise<string | undefined> {
  const items: IdItem[] = choices.map(({ id, detail }) => ({
    id,
    label: `${isArrays(id) ? "$(database)" : "$(file-media)"} ${path.basename(id)}`,
    description: detail ?? "",
  }));
  items.push({ id: browseId, label: `$(folder-opened) ${vscode.l10n.t("Browse...")}` });
  items.push({
    id: browseFolderId,
    label: `$(folder-opened) ${vscode.l10n.t("Browse for a Folder...")}`,
    description: vscode.l10n.t("images (JPEG, PNG) or ONNX test data"),
  });
  if (options.synthetic) {
    items.push({
      id: syntheticId,
      label: `$(beaker) ${vscode.l10n.t("Synthetic samples")}`,
      description: vscode.l10n.t("they rank layers but do not predict accuracy"),
    });
  }
  const picked = await vscode.window.showQuickPick(items, { title, matchOnDescription: true });
  if (picked?.id !== browseId && picked?.id !== browseFolderId) return picked?.id;
  // Most systems' dialogs choose files or folders, not both.
  const folders = picked.id === browseFolderId;
  const files = await vscode.window.showOpenDialog({
    title,
    canSelectFolders: folders,
    canSelectFiles: !folders,
    ...(!folders && { filters: { [vscode.l10n.t("Samples")]: ["npz", "npy"] } }),
  });
  return files?.[0]?.fsPath;
}

/** Else it is a folder of images. */
function isArrays(file: string): boolean {
  return /\.np[yz]$/i.test(file);
}

/** What makes a file a device profile. */
const profileEnding = ".hwprofile.json";

/** The file that was chosen, called as profiles are. @throws where that one is there already, which the dialog did not ask about */
async function withProfileEnding(picked: vscode.Uri): Promise<vscode.Uri> {
  if (picked.path.endsWith(profileEnding)) return picked;
  const target = picked.with({ path: picked.path.replace(/(\.json)?$/i, profileEnding) });
  const there = await vscode.workspace.fs.stat(target).then(
    () => true,
    () => false,
  );
  if (there) throw new Error(vscode.l10n.t("{0} is there already.", path.basename(target.fsPath)));
  return target;
}

/** Asks for a preset and a name, and writes a profile of one's own over it. Returns its URI. */
export async function createProfile(server: ServerConnection): Promise<vscode.Uri | undefined> {
  const presets = await server.request(requests.presets, null);
  const items = presets.map(({ id, name, description }) => ({ id, label: name, detail: description }));
  const title = vscode.l10n.t("New device profile: start from");
  const preset = await vscode.window.showQuickPick(items, { title, matchOnDetail: true });
  if (!preset) return undefined;
  const name = await vscode.window.showInputBox({
    title: vscode.l10n.t("Name of the device"),
    value: vscode.l10n.t("My {0}", preset.label),
    validateInput: (value) => (value.trim() === "" ? vscode.l10n.t("A device needs a name") : undefined),
  });
  if (name === undefined) return undefined;
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const slug =
    name
      .trim()
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-|-$/g, "") || "device";
  const proposed = `${slug}${profileEnding}`;
  const picked = await vscode.window.showSaveDialog({
    ...(folder && { defaultUri: vscode.Uri.joinPath(folder, proposed) }),
    // Dialogs take what follows the last dot for the ending, and would put the whole one after it again.
    filters: { [vscode.l10n.t("Hardware profile")]: ["json"] },
    saveLabel: vscode.l10n.t("Create"),
  });
  if (!picked) return undefined;
  const target = await withProfileEnding(picked);
  const text = await server.request(requests.presetText, { id: preset.id, name: name.trim() });
  await vscode.workspace.fs.writeFile(target, new TextEncoder().encode(text));
  await vscode.window.showTextDocument(target);
  return target;
}
