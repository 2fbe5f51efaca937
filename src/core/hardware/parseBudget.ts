import { SigmaQuantError } from "../errors.ts";
import type { Resource } from "./profile.ts";

interface Unit {
  /** As written, the first spelling is the one shown. */
  readonly spellings: readonly string[];
  /** A power of ten is a divisor where it can be, so that 5 ms is 0.005 to the last bit. */
  readonly times?: number;
  readonly by?: number;
}

const memoryUnits: readonly Unit[] = [
  { spellings: ["B", "b", "bytes"] },
  { spellings: ["KiB", "kib", "KIB"], times: 1024 },
  { spellings: ["MiB", "mib", "MIB"], times: 1024 ** 2 },
  { spellings: ["GiB", "gib", "GIB"], times: 1024 ** 3 },
];
const units: Readonly<Record<Resource, readonly Unit[]>> = {
  weightMemory: memoryUnits,
  activationMemory: memoryUnits,
  latency: [
    { spellings: ["s"] },
    { spellings: ["ms"], by: 1e3 },
    // Both micro signs: U+00B5 of keyboards, U+03BC of Greek layouts and of NFKC.
    { spellings: ["us", "\u00b5s", "\u03bcs"], by: 1e6 },
    { spellings: ["ns"], by: 1e9 },
  ],
  energy: [
    { spellings: ["J"] },
    { spellings: ["mJ", "mj"], by: 1e3 },
    { spellings: ["uJ", "\u00b5J", "\u03bcJ", "uj"], by: 1e6 },
    { spellings: ["nJ", "nj"], by: 1e9 },
  ],
  bops: [
    { spellings: ["", "bitops"] },
    { spellings: ["k", "K"], times: 1e3 },
    { spellings: ["M"], times: 1e6 },
    { spellings: ["G"], times: 1e9 },
    { spellings: ["T"], times: 1e12 },
  ],
};

const names: Readonly<Record<Resource, string>> = {
  weightMemory: "weight memory",
  activationMemory: "activation memory",
  latency: "latency",
  energy: "energy",
  bops: "BOPs",
};
const examples: Readonly<Record<Resource, string>> = {
  weightMemory: "32KiB, 31234B or 1.5MiB",
  activationMemory: "40KiB, 65536B or 1.5MiB",
  latency: "5ms or 800us",
  energy: "250uJ or 1.2mJ",
  bops: "400M or 1.5G",
};

/**
 * A budget as written on a command line, in the program's unit: bytes ("32KiB", "31234B", "1.5MiB"), seconds ("5ms"), joules
 * ("250uJ", "250µJ") or bit operations ("400M"). A space before the unit is allowed; fractions of a byte are cut off.
 * KB and MB are refused, since one reads them as powers of 1,000 and another as powers of 1,024.
 *
 * @throws SigmaQuantError SQ1020 budget-malformed
 */
export function parseBudget(resource: Resource, text: string): number {
  const fail = (message: string): SigmaQuantError =>
    new SigmaQuantError("SQ1020", "budget-malformed", message, {
      remedy: `Write a number with its unit, such as ${examples[resource]}.`,
    });
  const match = /^\s*(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)\s*([^\d\s.][^\d\s]*)?\s*$/.exec(text);
  if (!match) throw fail(`${JSON.stringify(text)} is not a budget for ${names[resource]}`);
  const spelling = match[2] ?? "";
  const unit = units[resource].find((candidate) => candidate.spellings.includes(spelling));
  if (!unit) throw fail(unitProblem(resource, spelling));
  const value = (Number(match[1]) * (unit.times ?? 1)) / (unit.by ?? 1);
  const limit = resource === "weightMemory" || resource === "activationMemory" ? Math.floor(value) : value;
  if (!Number.isFinite(limit) || limit <= 0) {
    throw fail(`A budget for ${names[resource]} of ${JSON.stringify(text)} is no positive, finite amount`);
  }
  return limit;
}

function unitProblem(resource: Resource, spelling: string): string {
  const known = units[resource].map((unit) => unit.spellings[0]).filter((name) => name);
  const list = `${known.slice(0, -1).join(", ")} or ${known.at(-1)}`;
  if (spelling === "") return `A budget for ${names[resource]} needs a unit: ${list}`;
  if (/^[kmg]b$/i.test(spelling)) {
    const letter = (spelling[0] ?? "").toUpperCase();
    return `${JSON.stringify(spelling)} means ${letter === "K" ? "1,000 or 1,024 bytes" : "a power of 1,000 or of 1,024"}: write ${letter}iB for 1,024s`;
  }
  return `${JSON.stringify(spelling)} is no unit of ${names[resource]}: it is ${list}`;
}
