import { stat } from "node:fs/promises";
import path from "node:path";
import cortexM7 from "../../media/profiles/cortex-m7.hwprofile.json" with { type: "json" };
import ethosU55 from "../../media/profiles/ethos-u55.hwprofile.json" with { type: "json" };
import ethosU85 from "../../media/profiles/ethos-u85.hwprofile.json" with { type: "json" };
import finn from "../../media/profiles/finn.hwprofile.json" with { type: "json" };
import gap9 from "../../media/profiles/gap9.hwprofile.json" with { type: "json" };
import generic from "../../media/profiles/generic.hwprofile.json" with { type: "json" };
import hailo8 from "../../media/profiles/hailo-8.hwprofile.json" with { type: "json" };
import max78000 from "../../media/profiles/max78000.hwprofile.json" with { type: "json" };
import raspberryPi5 from "../../media/profiles/raspberry-pi-5.hwprofile.json" with { type: "json" };
import shiftAdd from "../../media/profiles/shift-add.hwprofile.json" with { type: "json" };
import stm32n6 from "../../media/profiles/stm32n6.hwprofile.json" with { type: "json" };
import { didYouMean } from "../core/hardware/didYouMean.ts";
import { parseProfile, requireProfile } from "../core/hardware/parseProfile.ts";
import type { HardwareProfile } from "../core/hardware/profile.ts";
import type { PresetSource } from "../core/hardware/profileExtends.ts";
import type { ProfileProblem } from "../core/hardware/profileProblem.ts";
import { fileError } from "./errors.ts";
import { readText } from "./files.ts";

/** The presets of media/profiles, by the names of their files; bundled, so that the program needs no file beside it. */
const presets: ReadonlyMap<string, unknown> = new Map(
  Object.entries({
    "cortex-m7": cortexM7,
    "ethos-u55": ethosU55,
    "ethos-u85": ethosU85,
    finn,
    gap9,
    generic,
    "hailo-8": hailo8,
    max78000,
    "raspberry-pi-5": raspberryPi5,
    "shift-add": shiftAdd,
    stm32n6,
  }),
);

/** Where a profile that `extends` one finds it. */
export const presetSource: Required<PresetSource> = {
  presets: (name) => (presets.has(name) ? JSON.stringify(presets.get(name), null, 2) : undefined),
  presetNames: [...presets.keys()],
};

export interface Preset {
  /** As `--profile` takes it. */
  readonly name: string;
  readonly profile: HardwareProfile;
}

/** All presets, in the order of their names. */
export function listPresets(): readonly Preset[] {
  return [...presetSource.presetNames].sort().map((name) => ({ name, profile: loadPreset(name).profile }));
}

export interface LoadedProfile {
  readonly profile: HardwareProfile;
  /** What messages call it: the path, or `preset:<name>`. */
  readonly file: string;
  /** What a plan refers to it by: `preset:<name>`, or the path as it was given. */
  readonly id: string;
  /** Warnings; errors are thrown. */
  readonly problems: readonly ProfileProblem[];
}

/**
 * A hardware profile by its path, or a preset by its name (`generic` or `preset:generic`). A name that a preset has means the
 * preset; a file of that name is meant by `./generic`.
 * @throws SigmaQuantError SQ1014 for a name that is neither, SQ1001-SQ1009 (the file), SQ3xxx (the first error in it)
 */
export async function loadProfile(nameOrPath: string, signal?: AbortSignal): Promise<LoadedProfile> {
  const prefixed = nameOrPath.startsWith("preset:");
  const name = prefixed ? nameOrPath.slice("preset:".length) : nameOrPath;
  if (presets.has(name)) return loadPreset(name);
  if (prefixed || !(await looksLikePath(nameOrPath))) throw unknown(name);
  const options = { file: nameOrPath, ...presetSource };
  const text = await readText(nameOrPath, signal);
  const profile = requireProfile(text, options);
  return { profile, file: nameOrPath, id: nameOrPath, problems: parseProfile(text, options).problems };
}

function loadPreset(name: string): LoadedProfile {
  const id = `preset:${name}`;
  const options = { file: id, ...presetSource };
  const text = presetSource.presets(name) ?? "";
  return { profile: requireProfile(text, options), file: id, id, problems: parseProfile(text, options).problems };
}

/** A bare word that is no file is a misspelled preset, not a missing file. */
async function looksLikePath(text: string): Promise<boolean> {
  if (/[\\/]/.test(text) || path.extname(text) !== "") return true;
  return stat(text).then(
    () => true,
    () => false,
  );
}

function unknown(name: string) {
  const names = [...presetSource.presetNames].sort();
  const meant = didYouMean(name, names);
  const question = meant === undefined ? "" : `Did you mean ${meant}? `;
  const message = `There is no hardware profile ${JSON.stringify(name)}`;
  const remedy = `${question}Give a *.hwprofile.json file, or one of the presets ${names.join(", ")}.`;
  return fileError("unknownProfile", message, {}, { remedy });
}
