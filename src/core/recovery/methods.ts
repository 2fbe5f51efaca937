import { SigmaQuantError } from "../errors.ts";

/**
 * What makes up for rounding, without training.
 * - "equalize": channels scaled against each other across layers before anything else, function unchanged (Nagel et al. 2019)
 * - "clip": scales by least output error, else min-max
 * - "bias": biases that keep every output channel's mean (Nagel et al. 2019)
 * - "gptq": rounding errors spread over the weights that are not rounded yet (Frantar et al. 2022)
 * - "coordinate": single integers changed while the output error falls
 * - "sequential": once bits are decided, layers are rounded again one after the other, each on what the quantized layers before it
 *   give, aiming at the float network's values (asymmetric calibration: Li et al. 2025, arXiv 2504.02692)
 */
export type RecoveryMethod = "equalize" | "clip" | "bias" | "gptq" | "coordinate" | "sequential";

export const recoveryMethods: readonly RecoveryMethod[] = [
  "equalize",
  "clip",
  "bias",
  "gptq",
  "coordinate",
  "sequential",
];

/** All of them: each lowers the error where measured, or (equalization, on networks that are balanced) changes it by no more than chance. */
export const defaultRecovery: ReadonlySet<RecoveryMethod> = new Set(recoveryMethods);

/**
 * `default`, `none`, or names with commas between them.
 * @throws SQ1033 for another name
 */
export function parseRecovery(text: string): ReadonlySet<RecoveryMethod> {
  const trimmed = text.trim();
  if (trimmed === "default") return defaultRecovery;
  if (trimmed === "none") return new Set();
  const names = trimmed.split(",").map((name) => name.trim());
  const found = names.map((name) => recoveryMethods.find((method) => method === name));
  const unknown = names.find((_, i) => found[i] === undefined);
  if (unknown !== undefined) {
    throw new SigmaQuantError("SQ1033", "unknown-recovery", `${JSON.stringify(unknown)} is no recovery method`, {
      remedy: `Write default, none, or names out of ${recoveryMethods.join(", ")} with commas between them`,
    });
  }
  return new Set(recoveryMethods.filter((method) => found.includes(method)));
}
