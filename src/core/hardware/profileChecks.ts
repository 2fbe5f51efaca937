import { didYouMean } from "./didYouMean.ts";
import type { JsonPath } from "./jsonText.ts";
import { measuredFindings } from "./measuredChecks.ts";
import { contradictions } from "./presetContradictions.ts";
import type { HardwareProfile } from "./profile.ts";
import type { ProfileFile } from "./profileFile.ts";
import { pairFindings } from "./profilePairChecks.ts";
import { type ProfileProblemCode, showPath } from "./profileProblem.ts";
import { unitFindings } from "./profileUnits.ts";

/** What a check found; the caller knows the text and adds the place. */
export interface Finding {
  readonly code: ProfileProblemCode;
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly remedy: string;
  readonly path: JsonPath;
  readonly atKey?: boolean;
}

/** Operators with constant weights that a model's layers can have (`QuantizableOp` of model/layer.ts). */
export const knownOperators = ["Conv", "ConvTranspose", "Gemm", "MatMul", "Gather", "LSTM", "GRU", "RNN"] as const;

/**
 * Checks that need no model and that the schema can't express. `own` is the file itself, whose fields findings point into;
 * `merged` is it over what it extends (`base`), and `profile` that with its defaults.
 */
export function checkProfile(
  own: ProfileFile,
  merged: ProfileFile,
  profile: HardwareProfile,
  base?: ProfileFile,
): readonly Finding[] {
  const units = unitFindings(own, profile);
  const others = [
    ...duplicateBits(own),
    ...operatorFindings(own, profile),
    ...idleBits(own, profile),
    ...accuracyFindings(own),
    ...capacityFindings(own, merged),
    ...figureFindings(own, profile),
    ...measuredFindings(own, profile),
    ...(base ? contradictions(own, base) : []),
  ];
  // In another unit a figure is too much or too little for all else too.
  const inUnits = new Set(units.map(({ path }) => showPath(path)));
  return [...units, ...others.filter(({ path }) => !inUnits.has(showPath(path)))];
}

function duplicateBits(own: ProfileFile): readonly Finding[] {
  const lists: readonly (readonly [JsonPath, readonly number[]])[] = [
    [["weightBits"], own.weightBits ?? []],
    [["activationBits"], own.activationBits ?? []],
    ...Object.entries(own.operators ?? {}).map(
      ([name, operator]) => [["operators", name, "weightBits"], operator.weightBits ?? []] as const,
    ),
  ];
  return lists.flatMap(([path, bits]) =>
    bits.flatMap((value, index): readonly Finding[] =>
      bits.indexOf(value) === index
        ? []
        : [
            {
              code: "SQ3011",
              severity: "warning",
              message: `${value} is listed twice in ${path.at(-1)}`,
              remedy: "Remove one of the two.",
              path: [...path, index],
            },
          ],
    ),
  );
}

function operatorFindings(own: ProfileFile, profile: HardwareProfile): readonly Finding[] {
  const findings: Finding[] = [];
  for (const [name, operator] of Object.entries(own.operators ?? {})) {
    const path = ["operators", name];
    if (!(knownOperators as readonly string[]).includes(name)) {
      const meant = didYouMean(name, knownOperators);
      findings.push({
        code: "SQ3014",
        severity: "warning",
        message: meant
          ? `Unknown operator ${name}. Did you mean ${meant}?`
          : `No layer has the operator ${name}: it is ignored`,
        remedy: meant ? `Write "${meant}".` : `Remove it; layers have ${knownOperators.join(", ")}.`,
        path,
        atKey: true,
      });
    }
    for (const [index, bits] of (operator.weightBits ?? []).entries()) {
      if (profile.weightBits.includes(bits)) continue;
      findings.push({
        code: "SQ3012",
        severity: "error",
        message: `${name} lists ${bits} bits, which are not among the device's weightBits (${profile.weightBits.join(", ")})`,
        remedy: `Remove ${bits} here or add it to weightBits.`,
        path: [...path, "weightBits", index],
      });
    }
    if (operator.float && operator.weightBits) {
      findings.push({
        code: "SQ3019",
        severity: "warning",
        message: `${name} is kept in float, so that its weightBits mean nothing`,
        remedy: "Remove one of the two.",
        path: [...path, "weightBits"],
        atKey: true,
      });
    }
  }
  if (own.weightBits) {
    for (const [name, operator] of Object.entries(profile.operators)) {
      if (operator.float || !operator.weightBits || operator.weightBits.length > 0) continue;
      if (own.operators && Object.hasOwn(own.operators, name)) continue;
      findings.push({
        code: "SQ3012",
        severity: "error",
        message: `None of these bits is among those that the extended profile gives ${name}`,
        remedy: `Add the bits of ${name} here, or give ${name} its own weightBits in "operators".`,
        path: ["weightBits"],
      });
    }
  }
  return findings;
}

/** Bits of the device that each operator either lacks or, kept in float, has no use for. */
function idleBits(own: ProfileFile, { operators }: HardwareProfile): readonly Finding[] {
  const uses = (bits: number): boolean =>
    knownOperators.some((name) => {
      const operator = Object.hasOwn(operators, name) ? operators[name] : undefined;
      return !operator?.float && (operator?.weightBits ?? [bits]).some((each) => each === bits);
    });
  return (own.weightBits ?? []).flatMap((bits, index, all): readonly Finding[] =>
    uses(bits) || all.indexOf(bits) !== index
      ? []
      : [
          {
            code: "SQ3028",
            severity: "warning",
            message: `No operator supports ${bits} bits: each has weightBits without it or is kept in float`,
            remedy: `Remove ${bits} here, or add it to an operator's weightBits.`,
            path: ["weightBits", index],
          },
        ],
  );
}

function accuracyFindings(own: ProfileFile): readonly Finding[] {
  if (own.accuracy?.maxDropPoints === undefined || own.accuracy.maxDropPercent === undefined) return [];
  return [
    {
      code: "SQ3017",
      severity: "error",
      message: "maxDropPoints and maxDropPercent are two targets for one thing",
      remedy: "Keep one of the two.",
      path: ["accuracy", "maxDropPercent"],
      atKey: true,
    },
  ];
}

function capacityFindings(own: ProfileFile, merged: ProfileFile): readonly Finding[] {
  return (["weightMemoryKiB", "activationMemoryKiB"] as const).flatMap((field): readonly Finding[] => {
    const budget = merged.budgets?.[field];
    const capacity = merged.memory?.[field];
    if (budget === undefined || capacity === undefined || budget <= capacity) return [];
    if (own.budgets?.[field] === undefined && own.memory?.[field] === undefined) return [];
    return [
      {
        code: "SQ3018",
        severity: "warning",
        message: `The budget of ${budget} KiB is more than the ${capacity} KiB that the device has; ${capacity} KiB are the limit`,
        remedy: `Write ${capacity} or less.`,
        path: own.budgets?.[field] === undefined ? ["memory", field] : ["budgets", field],
      },
    ];
  });
}

function figureFindings(own: ProfileFile, profile: HardwareProfile): readonly Finding[] {
  const { compute, energy } = profile;
  const findings: Finding[] = [
    ...pairFindings(own, profile, {
      path: ["compute", "macsPerCycle"],
      own: own.compute?.macsPerCycle ?? {},
      all: compute?.macsPerCycle ?? {},
      narrowHas: "more",
    }),
    ...pairFindings(own, profile, {
      path: ["energy", "energyPerMacPj"],
      own: own.energy?.energyPerMacPj ?? {},
      all: energy?.energyPerMacPj ?? {},
      narrowHas: "less",
    }),
  ];
  const warn = (code: ProfileProblemCode, message: string, remedy: string, path: JsonPath): void => {
    findings.push({ code, severity: "warning", message, remedy, path, atKey: true });
  };
  const hasFormula = compute?.macsPerCycle !== undefined && compute.clockMHz !== undefined;
  if (own.budgets?.latencyMs !== undefined && !hasFormula && !compute?.measuredLatencyMs) {
    warn(
      "SQ3024",
      "The latency can't be known: compute has no clockMHz with macsPerCycle and no measuredLatencyMs",
      "Add them to compute, or remove the budget.",
      ["budgets", "latencyMs"],
    );
  }
  if (own.budgets?.energyUj !== undefined && !energy?.energyPerMacPj) {
    warn("SQ3024", "The energy can't be known: energy has no energyPerMacPj", "Add it, or remove the budget.", [
      "budgets",
      "energyUj",
    ]);
  }
  if (own.compute?.macsPerCycle && compute?.clockMHz === undefined) {
    warn("SQ3025", "macsPerCycle gives no latency without clockMHz", "Add clockMHz.", ["compute", "macsPerCycle"]);
  }
  if (own.compute?.clockMHz !== undefined && !compute?.macsPerCycle) {
    warn("SQ3025", "clockMHz gives no latency without macsPerCycle", "Add macsPerCycle.", ["compute", "clockMHz"]);
  }
  return findings;
}
