import { sentences } from "../../core/errors.ts";
import { allBits, floatKey } from "../../core/hardware/bitPairs.ts";
import { latencySeconds } from "../../core/hardware/costCompute.ts";
import { didYouMean } from "../../core/hardware/didYouMean.ts";
import type { Bits, HardwareProfile } from "../../core/hardware/profile.ts";
import type { Layer } from "../../core/model/layer.ts";
import { formatSeconds } from "../../core/plan/format.ts";
import type { Finding, Fix } from "./finding.ts";
import { replaceNode } from "./jsonEdits.ts";
import type { KnownModel } from "./knownModel.ts";
import type { ProfileText } from "./profileText.ts";
import type { Span } from "./textEdits.ts";
import { listedAtMost, plural } from "./words.ts";

/** Layers named in one message; the rest is counted. */
const maxNamed = 3;
/** Measured faster than arithmetic alone can be: more than the clock's and the watch's tolerance. Our choice. */
const tooFast = 0.8;
/** Measured so much slower that milliseconds were rather microseconds. Our choice: overheads are tens of percent, not hundreds of times. */
const tooSlow = 300;

/** With the right unit, a measured latency is at most so many times what arithmetic alone takes. Our choice. */
const likely = 30;

/**
 * What a table of measured latencies has against the models that use the profile: names that are no layer (SQ3104), layers
 * that it misses (SQ3105), and figures that the clock and the MACs per cycle contradict (SQ3106).
 */
export function latencyFindings(
  profile: ProfileText,
  device: HardwareProfile,
  models: readonly KnownModel[],
): readonly Finding[] {
  const table = device.compute?.measuredLatencyMs;
  // Inherited figures are not this text's.
  const place = profile.parsed.locate(["compute", "measuredLatencyMs"], "key");
  if (!table || !place || models.length === 0) return [];
  return [
    ...unknownNames(profile, Object.keys(table), models),
    ...models.flatMap((model) => missedLayers(device, table, model, place)),
    ...contradictions(profile, device, table, models),
  ];
}

function layersOf({ prepared }: KnownModel): readonly Layer[] {
  return prepared.discovery.layers;
}

function unknownNames(
  { parsed }: ProfileText,
  names: readonly string[],
  models: readonly KnownModel[],
): readonly Finding[] {
  const known = new Set(models.flatMap((model) => layersOf(model).map(({ name }) => name)));
  return names.flatMap((name): readonly Finding[] => {
    const place = parsed.locate(["compute", "measuredLatencyMs", name], "key");
    if (known.has(name) || !place) return [];
    const meant = didYouMean(
      name,
      [...known].filter((each) => !names.includes(each)),
    );
    const fixes: readonly Fix[] =
      meant === undefined
        ? []
        : [
            {
              title: `Change to ${JSON.stringify(meant)}`,
              edits: [replaceNode(place, JSON.stringify(meant))],
              preferred: true,
            },
          ];
    const files = listedAtMost(
      models.map(({ fileName }) => fileName),
      maxNamed,
    );
    const what = `No layer of ${files} is called ${name}`;
    return [
      {
        offset: place.offset,
        length: place.length,
        code: "SQ3104",
        slug: "latency-of-no-layer",
        severity: "warning",
        message: sentences(what, meant === undefined ? "Its latency is not used" : `Did you mean ${meant}?`),
        fixes: () => fixes,
      },
    ];
  });
}

function missedLayers(
  device: HardwareProfile,
  table: Readonly<Record<string, Readonly<Record<string, number>>>>,
  model: KnownModel,
  { offset, length }: Span,
): readonly Finding[] {
  const quantizable = layersOf(model).filter(({ floatReason }) => floatReason === undefined);
  const missed = quantizable.filter(({ name }) => !Object.hasOwn(table, name)).map(({ name }) => name);
  // A table for another model misses all of them: it is not about this one.
  if (missed.length === 0 || missed.length === quantizable.length) return [];
  const hasFormula = device.compute?.clockMHz !== undefined && device.compute.macsPerCycle !== undefined;
  return [
    {
      offset,
      length,
      code: "SQ3105",
      slug: "latency-table-misses-layer",
      severity: hasFormula ? "information" : "warning",
      message: sentences(
        `The table has no latency for ${plural(missed.length, "layer")} of ${model.fileName}: ${listedAtMost(missed, maxNamed)}`,
        hasFormula
          ? "They are computed from the clock, so that measured and computed times add up"
          : "The model's latency can't be known: measure them, or give clockMHz and macsPerCycle",
      ),
    },
  ];
}

function contradictions(
  { parsed }: ProfileText,
  device: HardwareProfile,
  table: Readonly<Record<string, Readonly<Record<string, number>>>>,
  models: readonly KnownModel[],
): readonly Finding[] {
  const { compute, ...rest } = device;
  if (!compute) return [];
  const { measuredLatencyMs: _, ...formula } = compute;
  const computing: HardwareProfile = { ...rest, compute: formula };
  const layers = new Map(models.flatMap((model) => layersOf(model).map((layer) => [layer.name, layer] as const)));
  return Object.entries(table).flatMap(([name, row]) => {
    const layer = layers.get(name);
    if (!layer) return [];
    return Object.entries(row).flatMap(([key, milliseconds]): readonly Finding[] => {
      const computed = computedSeconds(layer, key, computing);
      const place = parsed.locate(["compute", "measuredLatencyMs", name, key]);
      if (computed === undefined || computed <= 0 || !place) return [];
      const times = milliseconds / 1e3 / computed;
      if (times >= tooFast && times <= tooSlow) return [];
      const [measured, formulaText] = [formatSeconds(milliseconds / 1e3), formatSeconds(computed)];
      return [
        {
          offset: place.offset,
          length: place.length,
          code: "SQ3106",
          slug: "latency-contradicts-clock",
          severity: "warning",
          message: sentences(
            times < tooFast
              ? `${measured} is faster than the clock and macsPerCycle allow: ${formulaText}`
              : `${measured} is ${Math.round(times)} times what the clock and macsPerCycle give: ${formulaText}`,
            "Check the unit (milliseconds), the clock and macsPerCycle",
          ),
          fixes: () => unitFixes(place, milliseconds, times),
        },
      ];
    });
  });
}

/** Microseconds or seconds in place of milliseconds, where the figure would be right by that. */
function unitFixes(place: Span, milliseconds: number, times: number): readonly Fix[] {
  const factor = times < tooFast ? 1e3 : 1e-3;
  const right = times * factor;
  if (right < tooFast || right > likely) return [];
  const value = Number((milliseconds * factor).toPrecision(12));
  return [{ title: `Change to ${value}`, edits: [replaceNode(place, String(value))], preferred: true }];
}

function computedSeconds(layer: Layer, key: string, device: HardwareProfile): number | undefined {
  if (key === floatKey) return latencySeconds(layer, null, null, device);
  const bits = allBits.find((each) => String(each) === key) as Bits | undefined;
  return bits === undefined ? undefined : latencySeconds(layer, bits, device.activationBits[0] ?? 8, device);
}
