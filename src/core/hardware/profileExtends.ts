import { didYouMean } from "./didYouMean.ts";
import { parseJsonText } from "./jsonText.ts";
import type { Finding } from "./profileChecks.ts";
import { mergeProfiles, type ProfileFile } from "./profileFile.ts";
import type { ProfileProblemCode } from "./profileProblem.ts";
import type { SchemaValidator } from "./schemaIssues.ts";

/** Where presets come from: an adapter reads media/profiles, a test has its own. */
export interface PresetSource {
  /** Text of a preset by name, undefined if there is none. */
  readonly presets?: (name: string) => string | undefined;
  /** Names of all presets, for suggestions. */
  readonly presetNames?: readonly string[];
}

/** A family, a device and a board make three; 8 leaves room, and bounds the work of a chain. */
const maxChain = 8;
/** Longest preset, UTF-16 units; ours have a few thousand. */
const maxPresetLength = 1024 * 1024;

/**
 * The file that `own` extends, itself merged over what it extends; `file` undefined if `own` extends nothing. A finding at
 * `extends` when a preset does not exist, is broken, extends itself, or the chain is too long.
 */
export function extendedFile(
  own: ProfileFile,
  options: PresetSource,
  validate: SchemaValidator,
): { readonly file?: ProfileFile } | Finding {
  const chain: ProfileFile[] = [];
  const seen: string[] = [];
  let next = own.extends;
  while (next !== undefined) {
    const name = next.replace(/^preset:/, "");
    if (seen.includes(name)) {
      return finding(
        "SQ3021",
        `The presets extend each other: ${[...seen, name].join(" \u2192 ")}`,
        "Extend another preset.",
      );
    }
    seen.push(name);
    if (seen.length > maxChain) {
      return finding(
        "SQ3022",
        `The chain of presets is longer than ${maxChain}: ${seen.join(" \u2192 ")}`,
        "Extend a preset nearer to its end.",
      );
    }
    const text = options.presets?.(name);
    if (text === undefined) return unknownPreset(name, options.presetNames ?? []);
    const json = parseJsonText(text, maxPresetLength);
    const [problem] = [...json.issues, ...(json.issues.length === 0 ? validate(json.value) : [])];
    if (problem)
      return finding(
        "SQ3023",
        `The preset ${name} is broken: ${problem.message}`,
        "Extend another preset, or correct this one.",
      );
    const file = json.value as ProfileFile;
    chain.push(file);
    next = file.extends;
  }
  const file = chain.reduceRight<ProfileFile | undefined>(
    (base, over) => (base ? mergeProfiles(base, over) : over),
    undefined,
  );
  return file ? { file } : {};
}

function unknownPreset(name: string, known: readonly string[]): Finding {
  const meant = didYouMean(name, known);
  if (meant) return finding("SQ3020", `There is no preset ${name}. Did you mean ${meant}?`, `Write "preset:${meant}".`);
  const remedy = known.length > 0 ? `Choose one of ${known.join(", ")}.` : "Copy the preset's fields into this file.";
  return finding("SQ3020", `There is no preset ${name}`, remedy);
}

function finding(code: ProfileProblemCode, message: string, remedy: string): Finding {
  return { code, severity: "error", message, remedy, path: ["extends"] };
}
