import { SigmaQuantError } from "../core/errors.ts";
import { type Budgets, type Resource, resources } from "../core/hardware/profile.ts";
import { listPresets, loadProfile, presetSource } from "../node/profiles.ts";
import type { TextChange } from "../protocol/requests.ts";
import { withBudgets, withMaxDrop, withWeightBits } from "./profileEdits.ts";
import type { ModelSession } from "./session.ts";
import type { Texts } from "./texts.ts";

/** What is asked of device profiles: changes to the one that an open model has, and presets. */

/** The profile with the limits that are being tried. @throws SigmaQuantError SQ5304 for a preset */
export async function writeToProfile(session: ModelSession, texts: Texts): Promise<TextChange> {
  const { text, uri } = await profileText(session, texts);
  return { uri, text: withBudgets(text, session.state.whatIf) };
}

/**
 * @returns null where no text changes: while limits are tried, others are tried in their place
 * @throws SigmaQuantError SQ5303 for a remedy that is not offered any more, SQ5304 for a preset
 */
export async function applyRemedy(session: ModelSession, texts: Texts, index: number): Promise<TextChange | null> {
  const action = session.view?.remedies[index]?.action;
  const { profile, whatIf } = session.state;
  if (action?.kind === "setBudgets" && whatIf.size > 0) {
    session.tryBudgets(limitsOf(action.limits));
    return null;
  }
  const { text, uri } = await profileText(session, texts);
  switch (action?.kind) {
    case "setBudgets":
      return { uri, text: withBudgets(text, limitsOf(action.limits)) };
    case "allowBits": {
      const bits = [...new Set([...(profile?.profile.weightBits ?? []), action.bits])].sort((a, b) => a - b);
      return { uri, text: withWeightBits(text, bits) };
    }
    case "setMaxDrop":
      return { uri, text: withMaxDrop(text, action.maxDrop) };
    case undefined:
      throw new SigmaQuantError("SQ5303", "no-such-remedy", "The remedy is not offered any more", {
        remedy: "Choose one of those shown now",
      });
  }
}

export function presets() {
  return listPresets().map(({ name, profile }) => ({
    id: `preset:${name}`,
    name: profile.name,
    description: profile.description ?? "",
  }));
}

/** @throws SigmaQuantError SQ1014 for a preset that there is not */
export async function presetText(id: string): Promise<string> {
  await loadProfile(id.startsWith("preset:") ? id : `preset:${id}`);
  return presetSource.presets(id.replace(/^preset:/, "")) ?? "";
}

/** A profile of one's own over a preset, with the fields that one sets first. */
export function profileOver(id: string, name: string): string {
  const body = {
    $schema: "sigmaquant://schemas/hwprofile.json",
    name,
    extends: id,
    accuracy: { maxDropPoints: 1 },
    budgets: { weightMemoryKiB: 64 },
  };
  return `${JSON.stringify(body, null, 2)}\n`;
}

async function profileText({ state: { profile } }: ModelSession, texts: Texts): Promise<{ text: string; uri: string }> {
  const text = profile?.uri === undefined ? undefined : await texts.read(profile.uri);
  if (text === undefined || profile?.uri === undefined) {
    throw new SigmaQuantError("SQ5304", "preset-is-fixed", "A preset's figures can't be changed", {
      remedy: "Make a device profile of your own from it with New Device Profile",
    });
  }
  return { text, uri: profile.uri };
}

/** Limits by resource, in the order of the program. */
function limitsOf(limits: Budgets): ReadonlyMap<Resource, number> {
  return new Map(resources.flatMap((name) => (limits[name] === undefined ? [] : [[name, limits[name]] as const])));
}
