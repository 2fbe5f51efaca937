import type { JsonPath } from "./jsonText.ts";
import type { Source } from "./profile.ts";
import type { Finding } from "./profileChecks.ts";
import type { ProfileFile } from "./profileFile.ts";
import { showPath } from "./profileProblem.ts";

/** Longest source quoted in a message; the rest is in the preset. */
const maxQuoted = 120;

/** What a profile may make of a figure that it takes over: less of it, more of it, or only the same. */
type Allowed = "less" | "more" | "same";

const figures: readonly (readonly [path: readonly [string, string], allowed: Allowed])[] = [
  [["memory", "weightMemoryKiB"], "less"],
  [["memory", "activationMemoryKiB"], "less"],
  [["memory", "weightAlignmentBytes"], "same"],
  [["memory", "weightPacking"], "same"],
  [["memory", "scaleBytes"], "same"],
  [["memory", "zeroPointBytes"], "same"],
  [["memory", "biasBytes"], "same"],
  [["compute", "clockMHz"], "less"],
  [["compute", "macUnits"], "less"],
  [["compute", "bandwidthMBps"], "less"],
  [["compute", "layerOverheadUs"], "more"],
  [["energy", "energyPerBytePj"], "more"],
];

/**
 * What a profile says of the device that it extends against what that one's sources say: bits that the hardware lacks,
 * more memory, a faster clock; all warnings. A figure that the preset calls adjustable, or for which the profile has a source
 * of its own, may be anything.
 *
 * @param base the profile that is extended, with what it extends itself
 */
export function contradictions(own: ProfileFile, base: ProfileFile): readonly Finding[] {
  const sourceOf = (path: JsonPath): Source | undefined => {
    const figure = showPath(path);
    if (own.sources?.some((source) => !source.missing && covers(source, figure))) return undefined;
    const found = base.sources?.filter((source) => !source.missing && covers(source, figure)) ?? [];
    return found.some(({ adjustable }) => adjustable) ? undefined : found[0];
  };
  return [
    ...bitsFindings(own, base, sourceOf),
    ...operatorFindings(own, base, sourceOf),
    ...figures.flatMap(([path, allowed]) => {
      const [section, field] = path;
      return figureFinding(
        base,
        path,
        memberOf(own, section, field),
        memberOf(base, section, field),
        allowed,
        sourceOf,
      );
    }),
    ...tableFindings(own, base, "compute", "macsPerCycle", "less", sourceOf),
    ...tableFindings(own, base, "energy", "energyPerMacPj", "more", sourceOf),
  ];
}

type SourceOf = (path: JsonPath) => Source | undefined;

function covers({ figure }: Source, path: string): boolean {
  return path === figure || path.startsWith(`${figure}.`) || path.startsWith(`${figure}[`);
}

function memberOf(file: ProfileFile, section: string, field: string): unknown {
  const object = (file as Readonly<Record<string, unknown>>)[section];
  return (object as Readonly<Record<string, unknown>> | undefined)?.[field];
}

function bitsFindings(own: ProfileFile, base: ProfileFile, sourceOf: SourceOf): readonly Finding[] {
  return (["weightBits", "activationBits"] as const).flatMap((list): readonly Finding[] => {
    const has: readonly number[] | undefined = base[list];
    const source = sourceOf([list]);
    if (!has || !source) return [];
    const what = list === "weightBits" ? "weights" : "activations";
    return lacking(own[list] ?? [], has).map(([index, bits]) =>
      finding(
        `${base.name} has no ${bits}-bit ${what}, but ${has.join(", ")}${quoted(source)}`,
        `Remove ${bits}, or give its source in "sources".`,
        [list, index],
      ),
    );
  });
}

function operatorFindings(own: ProfileFile, base: ProfileFile, sourceOf: SourceOf): readonly Finding[] {
  return Object.entries(own.operators ?? {}).flatMap(([name, operator]): readonly Finding[] => {
    const has = base.operators && Object.hasOwn(base.operators, name) ? base.operators[name] : undefined;
    const source = sourceOf(["operators", name]);
    if (!has || !source) return [];
    const remedy = `Remove it, or give the source of "operators.${name}" in "sources".`;
    if (has.float) {
      const against = operator.float === false ? "float" : operator.weightBits ? "weightBits" : undefined;
      if (!against) return [];
      const message = `${name} runs in float on ${base.name}${quoted(source)}`;
      return [{ ...finding(message, remedy, ["operators", name, against]), atKey: true }];
    }
    return lacking(operator.weightBits ?? [], has.weightBits ?? base.weightBits ?? []).map(([index, bits]) =>
      finding(
        `${base.name} has no ${bits}-bit weights for ${name}${quoted(source)}`,
        `Remove ${bits}, or give the source of "operators.${name}" in "sources".`,
        ["operators", name, "weightBits", index],
      ),
    );
  });
}

function lacking(bits: readonly number[], has: readonly number[]): readonly (readonly [index: number, bits: number])[] {
  return [...bits.entries()].filter(([index, each]) => !has.includes(each) && bits.indexOf(each) === index);
}

function tableFindings(
  own: ProfileFile,
  base: ProfileFile,
  section: "compute" | "energy",
  field: string,
  allowed: Allowed,
  sourceOf: SourceOf,
): readonly Finding[] {
  const has = (memberOf(base, section, field) ?? {}) as Readonly<Record<string, number>>;
  const given = (memberOf(own, section, field) ?? {}) as Readonly<Record<string, number>>;
  return Object.entries(given).flatMap(([key, value]) =>
    Object.hasOwn(has, key) ? figureFinding(base, [section, field, key], value, has[key], allowed, sourceOf) : [],
  );
}

function figureFinding(
  base: ProfileFile,
  path: readonly string[],
  given: unknown,
  has: unknown,
  allowed: Allowed,
  sourceOf: SourceOf,
): readonly Finding[] {
  if (given === undefined || has === undefined || given === has) return [];
  if (allowed === "less" && Number(given) < Number(has)) return [];
  if (allowed === "more" && Number(given) > Number(has)) return [];
  const source = sourceOf(path);
  if (!source) return [];
  const limit = allowed === "same" ? "" : ` or ${allowed}`;
  return [
    finding(
      `${show(given)} contradicts ${base.name}, whose ${path[1]} is ${show(has)}${quoted(source)}`,
      `Write ${show(has)}${limit}, or give its source in "sources".`,
      path,
    ),
  ];
}

function show(value: unknown): string {
  return JSON.stringify(value);
}

/** ` (the source, cut)` */
function quoted({ source }: Source): string {
  return ` (${source.length <= maxQuoted ? source.replace(/\.$/, "") : `${source.slice(0, maxQuoted - 1)}\u2026`})`;
}

function finding(message: string, remedy: string, path: JsonPath): Finding {
  return { code: "SQ3027", severity: "warning", message, remedy, path };
}
