import * as vscode from "vscode";
import type { Choice } from "../protocol/editor.ts";
import { requests } from "../protocol/requests.ts";
import type { ServerConnection } from "./server.ts";

type Item<T> = vscode.QuickPickItem & { readonly value?: T };

/** The devices that are compared where nobody said which: those of the workspace; where these are no two, the presets too. */
export async function usualProfiles(
  server: ServerConnection,
  more: readonly string[] = [],
): Promise<readonly string[]> {
  const choices = await server.request(requests.profiles, null);
  const ids = (kind: Choice["kind"]) => choices.filter((choice) => choice.kind === kind).map(({ id }) => id);
  const own = [...new Set([...more, ...ids("workspace")])];
  return own.length > 1 ? own : [...new Set([...own, ...ids("preset")])];
}

/** Asks for the devices to compare. Undefined when the person backs out. @param current those that are checked at first */
export async function pickProfiles(
  server: ServerConnection,
  current: readonly string[],
): Promise<readonly string[] | undefined> {
  const choices = await server.request(requests.profiles, null);
  const item = ({ id, label, detail }: Choice): Item<string> => ({
    label: `$(chip) ${label}`,
    ...(detail !== undefined && { description: detail }),
    picked: current.includes(id),
    value: id,
  });
  const group = (label: string, kind: Choice["kind"]): Item<string>[] => {
    const own = choices.filter((choice) => choice.kind === kind);
    return own.length === 0 ? [] : [{ label, kind: vscode.QuickPickItemKind.Separator }, ...own.map(item)];
  };
  const items = [...group(vscode.l10n.t("Workspace"), "workspace"), ...group(vscode.l10n.t("Presets"), "preset")];
  // One from elsewhere stays in the comparison unless it is taken out.
  const known = new Set(choices.map(({ id }) => id));
  for (const id of current.filter((each) => !known.has(each))) {
    const uri = vscode.Uri.parse(id);
    items.push({ label: `$(chip) ${vscode.workspace.asRelativePath(uri)}`, picked: true, value: id });
  }
  return pickSeveral(items, vscode.l10n.t("Select the devices to compare"));
}

/** Asks for the models to compare. */
export async function pickModels(current: readonly string[]): Promise<readonly string[] | undefined> {
  const found = await vscode.workspace.findFiles("**/*.onnx", "**/node_modules/**", 500);
  const uris = [...new Set([...current, ...found.map((uri) => uri.toString())])];
  if (uris.length === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t("There is no .onnx model in this workspace."));
    return undefined;
  }
  const items = uris
    .map((uri) => ({
      label: vscode.workspace.asRelativePath(vscode.Uri.parse(uri)),
      picked: current.includes(uri),
      value: uri,
    }))
    .sort((a, b) => a.label.localeCompare(b.label));
  return pickSeveral(items, vscode.l10n.t("Select the models to compare"));
}

/** Undefined when the person backs out, or leaves nothing checked. */
async function pickSeveral(items: readonly Item<string>[], title: string): Promise<readonly string[] | undefined> {
  const picked = await vscode.window.showQuickPick(items, { title, canPickMany: true, matchOnDescription: true });
  const values = picked?.flatMap(({ value }) => value ?? []);
  return values && values.length > 0 ? values : undefined;
}
