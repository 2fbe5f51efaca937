import { allBits } from "./bitPairs.ts";
import type { HardwareProfile } from "./profile.ts";
import type { Finding } from "./profileChecks.ts";
import type { ProfileFile } from "./profileFile.ts";

/** Two measurements of one layer differ by some percent from run to run. Our choice. */
const tolerance = 0.9;
/** From this many pairs of bits on a table shows what is usual on its device: wider bits may really be the faster ones there. */
const fewPairs = 3;

interface Pair {
  readonly layer: string;
  readonly narrow: number;
  readonly wide: number;
  readonly isFaster: boolean;
}

/**
 * What can be said of a table of measured latencies without a model; all warnings: bits that the device lacks, and a layer that
 * is faster with more bits where most of the table's layers are not.
 */
export function measuredFindings(own: ProfileFile, profile: HardwareProfile): readonly Finding[] {
  const table = own.compute?.measuredLatencyMs ?? {};
  const pairs = Object.entries(table).flatMap(([layer, row]) => pairsOf(layer, row));
  const faster = pairs.filter(({ isFaster }) => isFaster);
  const isUsual = pairs.length >= fewPairs && faster.length * 2 > pairs.length;
  return [
    ...Object.entries(table).flatMap(([layer, row]) => unusedBits(layer, row, profile)),
    ...(isUsual ? [] : faster.map((pair) => fasterFinding(pair, table[pair.layer] ?? {}))),
  ];
}

function pairsOf(layer: string, row: Readonly<Record<string, number>>): readonly Pair[] {
  const measured = allBits.filter((bits) => Object.hasOwn(row, String(bits)));
  return measured.slice(1).map((wide, index) => {
    const narrow = measured[index] as number;
    return { layer, narrow, wide, isFaster: Number(row[wide]) < tolerance * Number(row[narrow]) };
  });
}

function unusedBits(
  layer: string,
  row: Readonly<Record<string, number>>,
  { weightBits }: HardwareProfile,
): readonly Finding[] {
  return (
    allBits
      .filter((bits) => Object.hasOwn(row, String(bits)) && !weightBits.includes(bits))
      // Bits that the device has and that were not measured take the next wider figure.
      .filter((bits) => !weightBits.some((each) => each < bits && !Object.hasOwn(row, String(each))))
      .map((bits) => ({
        code: "SQ3013",
        severity: "warning",
        message: `"${bits}" is never used: ${bits} is not among weightBits`,
        remedy: `Remove it, or add ${bits} to weightBits.`,
        path: ["compute", "measuredLatencyMs", layer, String(bits)],
        atKey: true,
      }))
  );
}

function fasterFinding({ layer, narrow, wide }: Pair, row: Readonly<Record<string, number>>): Finding {
  return {
    code: "SQ3016",
    severity: "warning",
    message: `${wide} bits cost less than ${narrow}: ${row[wide]} ms against ${row[narrow]} ms`,
    remedy: "Check the two figures; if they are right, wider bits are the better choice for this layer.",
    path: ["compute", "measuredLatencyMs", layer, String(wide)],
    atKey: true,
  };
}
