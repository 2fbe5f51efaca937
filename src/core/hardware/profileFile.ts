import type { HardwareProfile } from "./profile.ts";

/** A profile as it is in a file that its schema accepts: any field may be missing. */
export interface ProfileFile {
  readonly name?: string;
  readonly description?: string;
  readonly extends?: string;
  readonly weightBits?: HardwareProfile["weightBits"];
  readonly activationBits?: HardwareProfile["activationBits"];
  readonly blockSize?: NonNullable<HardwareProfile["blockSize"]>;
  readonly operators?: HardwareProfile["operators"];
  readonly memory?: Partial<HardwareProfile["memory"]>;
  readonly compute?: Partial<NonNullable<HardwareProfile["compute"]>>;
  readonly energy?: NonNullable<HardwareProfile["energy"]>;
  readonly budgets?: HardwareProfile["budgets"];
  readonly accuracy?: HardwareProfile["accuracy"];
  readonly sharedBits?: Partial<HardwareProfile["sharedBits"]>;
  readonly sources?: HardwareProfile["sources"];
}

type Plain = Readonly<Record<string, unknown>>;

function isPlain(value: unknown): value is Plain {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Objects field by field, anything else as a whole: `over` replaces `base`. */
function mergeValues(base: unknown, over: unknown): unknown {
  if (!isPlain(base) || !isPlain(over)) return over;
  const keys = new Set([...Object.keys(base), ...Object.keys(over)]);
  // Object.fromEntries defines keys, so that one named __proto__ is data like any other.
  return Object.fromEntries(
    [...keys].map((key) => {
      if (!Object.hasOwn(over, key)) return [key, base[key]];
      return [key, Object.hasOwn(base, key) ? mergeValues(base[key], over[key]) : over[key]];
    }),
  );
}

/**
 * A file over the one it extends. Objects are merged field by field, lists and plain values replaced; but `sources` are
 * those of both, as they cover figures of both, and an accuracy target replaces the other's whichever field it is in, as
 * the two fields say the same thing.
 */
export function mergeProfiles(base: ProfileFile, over: ProfileFile): ProfileFile {
  const merged = mergeValues(base, over) as ProfileFile;
  const accuracy = over.accuracy && Object.keys(over.accuracy).length > 0 ? over.accuracy : base.accuracy;
  return {
    ...merged,
    ...(accuracy ? { accuracy } : {}),
    sources: [...(base.sources ?? []), ...(over.sources ?? [])],
  };
}

/** Defaults, as the schema documents them. */
const memoryDefaults: HardwareProfile["memory"] = {
  weightAlignmentBytes: 1,
  weightPacking: "packed",
  scaleBytes: 4,
  zeroPointBytes: 0,
  biasBytes: 4,
};
const defaultActivationBits: HardwareProfile["activationBits"] = [8];

/** The profile of a merged file without errors: defaults filled in, bits ascending and each once, operators' bits among the device's. */
export function completeProfile(file: ProfileFile): HardwareProfile {
  const weightBits = ascending(file.weightBits ?? []);
  return {
    name: file.name ?? "",
    ...(file.description === undefined ? {} : { description: file.description }),
    ...(file.extends === undefined ? {} : { extends: file.extends }),
    weightBits,
    activationBits: ascending(file.activationBits ?? defaultActivationBits),
    ...(file.blockSize === undefined ? {} : { blockSize: file.blockSize }),
    operators: Object.fromEntries(
      Object.entries(file.operators ?? {}).map(([name, operator]) => [
        name,
        {
          ...(operator.weightBits
            ? { weightBits: ascending(operator.weightBits).filter((b) => weightBits.includes(b)) }
            : {}),
          ...(operator.float === undefined ? {} : { float: operator.float }),
        },
      ]),
    ),
    memory: { ...memoryDefaults, ...file.memory },
    ...(file.compute ? { compute: { macUnits: 1, ...file.compute } } : {}),
    ...(file.energy ? { energy: { ...file.energy } } : {}),
    budgets: { ...file.budgets },
    accuracy: { ...file.accuracy },
    sharedBits: { residual: false, groups: [], ...file.sharedBits },
    sources: file.sources ?? [],
  };
}

function ascending<T extends number>(bits: readonly T[]): readonly T[] {
  return [...new Set(bits)].sort((a, b) => a - b);
}
