import type { JsonPath } from "./jsonText.ts";
import type { HardwareProfile } from "./profile.ts";
import type { Finding } from "./profileChecks.ts";
import type { ProfileFile } from "./profileFile.ts";

/** Another unit that a figure may have been written in, and what turns it into the field's. */
interface Slip {
  readonly unit: string;
  readonly factor: number;
}

/** What devices have of a figure, wide enough that a real device is never asked: beyond it the unit is likely another one. */
interface Usual {
  readonly least: number;
  readonly most: number;
  readonly unit: string;
  readonly slips: readonly Slip[];
}

/** From KiB to MiB, and from bytes to KiB. */
const binary = 1024;

/** From a kibibyte, in which no network runs, to a tebibyte. */
const memory: Usual = {
  least: 1,
  most: binary ** 3,
  unit: "KiB",
  slips: [
    { unit: "bytes", factor: 1 / binary },
    { unit: "MiB", factor: binary },
  ],
};

/** From the slow clocks of sensors to 10 GHz, which no processor reaches. */
const clock: Usual = {
  least: 1,
  most: 10_000,
  unit: "MHz",
  slips: [
    { unit: "Hz", factor: 1e-6 },
    { unit: "kHz", factor: 1e-3 },
    { unit: "GHz", factor: 1e3 },
  ],
};
/** Below this a clock in MHz is a whole number (1, 4, 8); 1.8 or 2.4 is what one says of GHz. */
const wholeBelowMHz = 10;

/** From a serial memory to 1 TB/s, which takes stacked memory. */
const bandwidth: Usual = {
  least: 0.1,
  most: 1e6,
  unit: "MB/s",
  slips: [
    { unit: "bytes a second", factor: 1e-6 },
    { unit: "KB/s", factor: 1e-3 },
    { unit: "GB/s", factor: 1e3 },
  ],
};

/** From a nanosecond to a tenth of a second for a layer's set-up. */
const overhead: Usual = {
  least: 1e-3,
  most: 1e5,
  unit: "\u00b5s",
  slips: [
    { unit: "ns", factor: 1e-3 },
    { unit: "ms", factor: 1e3 },
    { unit: "s", factor: 1e6 },
  ],
};

/** From a femtojoule (analog arithmetic) to 100 nJ (float on a microcontroller, flash included). */
const energy: Usual = {
  least: 1e-3,
  most: 1e5,
  unit: "pJ",
  slips: [
    { unit: "fJ", factor: 1e-3 },
    { unit: "nJ", factor: 1e3 },
    { unit: "\u00b5J", factor: 1e6 },
    { unit: "mJ", factor: 1e9 },
    { unit: "J", factor: 1e12 },
  ],
};

/** From software floating point to the largest accelerators, some ten thousand MACs a cycle for each of some chips. */
const perCycle: Usual = { least: 1e-4, most: 1e6, unit: "MACs a cycle", slips: [] };

/** Figures of the file itself that are far from what devices have, as those are that stand in another unit; all warnings. */
export function unitFindings(own: ProfileFile, profile: HardwareProfile): readonly Finding[] {
  const { compute = {} } = own;
  const clockMHz = profile.compute?.clockMHz;
  // MACs a second, as data sheets say it.
  const macs: Usual =
    clockMHz === undefined || !isUsual(clockMHz, clock)
      ? perCycle
      : { ...perCycle, slips: [{ unit: "MACs a second", factor: 1 / (clockMHz * 1e6) }] };
  return [
    ...figure(["memory", "weightMemoryKiB"], own.memory?.weightMemoryKiB, memory),
    ...figure(["memory", "activationMemoryKiB"], own.memory?.activationMemoryKiB, memory),
    ...figure(["compute", "clockMHz"], compute.clockMHz, clockOf(compute.clockMHz)),
    ...figure(["compute", "bandwidthMBps"], compute.bandwidthMBps, bandwidth),
    ...figure(["compute", "layerOverheadUs"], compute.layerOverheadUs || undefined, overhead),
    ...Object.entries(compute.macsPerCycle ?? {}).flatMap(([key, value]) =>
      figure(["compute", "macsPerCycle", key], value, macs),
    ),
    ...Object.entries(own.energy?.energyPerMacPj ?? {}).flatMap(([key, value]) =>
      figure(["energy", "energyPerMacPj", key], value, energy),
    ),
    ...figure(["energy", "energyPerBytePj"], own.energy?.energyPerBytePj || undefined, energy),
  ];
}

function clockOf(value = 0): Usual {
  return value < wholeBelowMHz && !Number.isInteger(value) ? { ...clock, least: wholeBelowMHz } : clock;
}

function figure(path: readonly string[], value: number | undefined, usual: Usual): readonly Finding[] {
  if (value === undefined || isUsual(value, usual)) return [];
  const meant = usual.slips
    .map(({ unit, factor }) => ({ unit, value: Number((value * factor).toPrecision(12)) }))
    .filter((slip) => isUsual(slip.value, usual));
  const [first] = meant;
  const known = meant.length === 1 ? first : undefined;
  const looks = known ? `it looks like ${known.unit}` : "its unit may be another";
  return [
    {
      code: "SQ3026",
      severity: "warning",
      message: `${value} ${usual.unit} is not what a device has: ${looks}`,
      remedy: known ? `Write ${known.value}.` : remedyOf(meant, usual.unit),
      path: path as JsonPath,
    },
  ];
}

function remedyOf(meant: readonly { readonly unit: string; readonly value: number }[], unit: string): string {
  if (meant.length === 0) return `Check it: the field is in ${unit}.`;
  return `Check it: that is ${meant.map((slip) => `${slip.value} ${unit} if it was in ${slip.unit}`).join(", ")}.`;
}

function isUsual(value: number, { least, most }: Usual): boolean {
  return value >= least && value <= most;
}
