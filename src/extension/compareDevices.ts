import * as vscode from "vscode";
import { pickModels, pickProfiles, usualProfiles } from "./devicePickers.ts";
import type { DevicesPanels } from "./devicesPanels.ts";

/** What `Compare Devices` was called on: any number of models and profiles. */
export interface CalledOn {
  readonly models: readonly vscode.Uri[];
  readonly profiles: readonly vscode.Uri[];
}

/** Sorts what a command was called on by what it is; where it was called on nothing, the text in the active editor counts. */
export function calledOn(uri: vscode.Uri | undefined, selected: readonly vscode.Uri[] | undefined): CalledOn {
  const active = vscode.window.activeTextEditor?.document.uri;
  const uris = selected ?? (uri ? [uri] : active ? [active] : []);
  const ending = (end: string) => uris.filter(({ path }) => path.toLowerCase().endsWith(end));
  return { models: ending(".onnx"), profiles: ending(".hwprofile.json") };
}

/**
 * Asks for what is not said yet, and shows the comparison.
 * @param active the model in use, if there is one
 */
export async function compareDevices(
  panels: DevicesPanels,
  { models, profiles }: CalledOn,
  active: vscode.Uri | undefined,
): Promise<void> {
  // From a comparison itself: the same models on other devices.
  const before = models.length === 0 && profiles.length === 0 ? panels.active : undefined;
  const named = models.length > 0 || !active ? models : [active];
  const uris = before?.models ?? (named.length > 0 ? named.map(String) : await pickModels([]));
  if (!uris) return;
  const checked = before?.profiles ?? (await usualProfiles(panels.server, profiles.map(String)));
  const picked = await pickProfiles(panels.server, checked);
  if (picked) await panels.showPanel({ models: uris, profiles: picked });
}

/** From a lens over a profile: a model on this device and the others there are, without a question. */
export async function compareOn(panels: DevicesPanels, model: string, profile: string): Promise<void> {
  await panels.showPanel({ models: [model], profiles: await usualProfiles(panels.server, [profile]) });
}
