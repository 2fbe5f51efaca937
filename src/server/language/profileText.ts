import { type ParsedProfile, parseProfile } from "../../core/hardware/parseProfile.ts";
import type { PresetSource } from "../../core/hardware/profileExtends.ts";
import type { TextRange } from "../../core/hardware/textRange.ts";
import { type JsonNode, jsonTree } from "./jsonTree.ts";

/** A profile as it is typed. */
export interface ProfileText {
  readonly text: string;
  readonly parsed: ParsedProfile;
  /** The text's tree; undefined where nothing could be read. */
  readonly root: JsonNode | undefined;
}

/** Reads a profile. @param file its name, for messages */
export function readProfileText(text: string, file: string, presets: PresetSource): ProfileText {
  return { text, parsed: parseProfile(text, { file, ...presets }), root: jsonTree(text) };
}

/** Where a figure can be shown: the file's own value, else what stands nearest for it (the section, what it extends, the start). */
export function placeOf({ parsed }: ProfileText, path: readonly (string | number)[]): TextRange {
  const own = parsed.locate(path);
  if (own) return own;
  const inherited = parsed.locate(["extends"]);
  if (inherited) return inherited;
  const section = parsed.locate(path.slice(0, 1), "key");
  return section ?? parsed.text.range(0, 1);
}
