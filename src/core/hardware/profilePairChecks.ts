import { allBits, type BitPair, parsePair } from "./bitPairs.ts";
import type { JsonPath } from "./jsonText.ts";
import type { HardwareProfile } from "./profile.ts";
import type { Finding } from "./profileChecks.ts";
import type { ProfileFile } from "./profileFile.ts";
import type { ProfileProblemCode } from "./profileProblem.ts";

/** A table by pairs of bits: `macsPerCycle` or `energyPerMacPj`. */
export interface PairTable {
  readonly path: readonly [string, string];
  /** What the file itself has of it. */
  readonly own: Readonly<Record<string, number>>;
  /** With what the file extends. */
  readonly all: Readonly<Record<string, number>>;
  /** What narrower bits should have: more of it (speed) or less (energy). */
  readonly narrowHas: "more" | "less";
}

interface Row extends BitPair {
  readonly key: string;
  readonly figure: number;
}

/** Pairs that are never used, pairs that are missing, and wider bits that cost less than narrower ones; all warnings. */
export function pairFindings(own: ProfileFile, profile: HardwareProfile, table: PairTable): readonly Finding[] {
  const rows = Object.entries(table.all).flatMap(([key, figure]): readonly Row[] => {
    const pair = parsePair(key);
    return pair ? [{ key, figure, ...pair }] : [];
  });
  return [...unused(profile, table, rows), ...cheaper(table, rows), ...missing(own, profile, table, rows)];
}

function unused(profile: HardwareProfile, table: PairTable, rows: readonly Row[]): readonly Finding[] {
  return rows.flatMap(({ key, weight, activation }) => {
    if (!Object.hasOwn(table.own, key)) return [];
    const weightIsKnown = profile.weightBits.includes(weight);
    if (weightIsKnown && profile.activationBits.includes(activation)) return [];
    const [bits, list] = weightIsKnown ? [activation, "activationBits"] : [weight, "weightBits"];
    return warning(
      "SQ3013",
      `"${key}" is never used: ${bits} is not among ${list}`,
      `Remove it, or add ${bits} to ${list}.`,
      [...table.path, key],
    );
  });
}

function cheaper(table: PairTable, rows: readonly Row[]): readonly Finding[] {
  return rows.flatMap((wide) =>
    rows.flatMap((narrow) => {
      const isWider =
        (wide.weight > narrow.weight && wide.activation === narrow.activation) ||
        (wide.weight === narrow.weight && wide.activation > narrow.activation);
      const costsLess = table.narrowHas === "more" ? wide.figure > narrow.figure : wide.figure < narrow.figure;
      const key = [wide.key, narrow.key].find((candidate) => Object.hasOwn(table.own, candidate));
      if (!isWider || !costsLess || key === undefined) return [];
      return warning(
        "SQ3016",
        `"${wide.key}" costs less than the narrower "${narrow.key}": ${table.path[1]} ${wide.figure} against ${narrow.figure}`,
        "Check the two figures; if they are right, wider bits are the better choice on this device.",
        [...table.path, key],
      );
    }),
  );
}

function missing(
  own: ProfileFile,
  profile: HardwareProfile,
  table: PairTable,
  rows: readonly Row[],
): readonly Finding[] {
  const ownsTable = Object.keys(table.own).length > 0;
  if (!ownsTable && !own.weightBits && !own.activationBits) return [];
  const at: JsonPath = ownsTable ? table.path : [own.weightBits ? "weightBits" : "activationBits"];
  return profile.activationBits.flatMap((activation) => {
    const widest = Math.max(...rows.filter((row) => row.activation === activation).map((row) => row.weight));
    // A table without any figure for these activations has -Infinity here: none is expected then.
    if (widest === Number.NEGATIVE_INFINITY) return [];
    return allBits
      .filter((bits) => profile.weightBits.includes(bits) && bits > widest)
      .flatMap((bits) => {
        const key = `${bits}x${activation}`;
        return warning(
          "SQ3015",
          `${table.path[1]} has no figure for "${key}" nor for wider weights`,
          `Add "${key}".`,
          at,
        );
      });
  });
}

function warning(code: ProfileProblemCode, message: string, remedy: string, path: JsonPath): readonly Finding[] {
  return [{ code, severity: "warning", message, remedy, path, atKey: true }];
}
