import type { Dataset } from "./dataset.ts";
import { dataError } from "./errors.ts";
import { type Random, random } from "./random.ts";

/** "plain": every sample equally likely. "stratified": each class in the proportion it has in the whole set. */
export type SubsetChoice = "plain" | "stratified";

/**
 * `count` samples of a set, or the set itself if it has no more. The same seed gives the same samples everywhere. They keep
 * the set's order, so that a file is read front to back.
 * @throws SigmaQuantError SQ4034 when a stratified choice meets a set without labels, SQ4035 when count is not positive
 */
export async function take(
  dataset: Dataset,
  count: number,
  seed: number,
  choice: SubsetChoice = "plain",
  signal?: AbortSignal,
): Promise<Dataset> {
  checkCount(dataset, count);
  if (count >= dataset.samples) return dataset;
  const chosen = await choose(dataset, count, seed, choice, signal);
  return dataset.pick(chosen, `take:${choice}:${count}:${seed}`);
}

/**
 * Two sets without a common sample: `count` samples chosen as by `take`, and the rest. For calibrating and evaluating on one
 * file.
 * @throws SigmaQuantError as `take`, and SQ4035 when nothing would be left
 */
export async function split(
  dataset: Dataset,
  count: number,
  seed: number,
  choice: SubsetChoice = "plain",
  signal?: AbortSignal,
): Promise<readonly [Dataset, Dataset]> {
  checkCount(dataset, count);
  if (count >= dataset.samples) {
    const message = `A set of ${dataset.samples} samples can't give ${count} and keep some`;
    throw dataError("no-samples", message, "Ask for fewer samples, or give a set of its own for each use.", {
      file: dataset.name,
    });
  }
  const chosen = await choose(dataset, count, seed, choice, signal);
  const taken = new Uint8Array(dataset.samples);
  for (const index of chosen) taken[index] = 1;
  const rest = new Uint32Array(dataset.samples - chosen.length);
  let at = 0;
  for (let index = 0; index < taken.length; index++) if (taken[index] === 0) rest[at++] = index;
  const tag = `${choice}:${count}:${seed}`;
  return [dataset.pick(chosen, `take:${tag}`), dataset.pick(rest, `rest:${tag}`)];
}

function checkCount(dataset: Dataset, count: number): void {
  if (Number.isInteger(count) && count > 0) return;
  throw dataError("no-samples", `${count} samples can't be taken`, "Ask for at least one.", { file: dataset.name });
}

async function choose(
  dataset: Dataset,
  count: number,
  seed: number,
  choice: SubsetChoice,
  signal?: AbortSignal,
): Promise<Uint32Array> {
  const all = Uint32Array.from({ length: dataset.samples }, (_, index) => index);
  if (choice === "plain") return draw(all, count, random(seed)).sort();
  const labels = await dataset.labels(signal);
  if (labels === undefined) {
    const remedy = "Add an array of labels, or choose plain.";
    throw dataError("labels", "A stratified choice needs labels, and the set has none", remedy, { file: dataset.name });
  }
  const classes = new Map<number, number[]>();
  for (const [index, label] of labels.entries()) {
    const members = classes.get(label);
    if (members) members.push(index);
    else classes.set(label, [index]);
  }
  const sorted = [...classes].sort(([a], [b]) => a - b).map(([, members]) => members);
  const quotas = apportion(
    sorted.map(({ length }) => length),
    count,
  );
  const generator = random(seed);
  const chosen = sorted.flatMap((members, index) => [
    ...draw(Uint32Array.from(members), quotas[index] ?? 0, generator),
  ]);
  return Uint32Array.from(chosen).sort();
}

/** The first steps of a Fisher-Yates shuffle; changes `from`. */
function draw(from: Uint32Array, count: number, generator: Random): Uint32Array {
  for (let at = 0; at < count; at++) {
    const other = at + generator.below(from.length - at);
    const kept = from[at] as number;
    from[at] = from[other] as number;
    from[other] = kept;
  }
  return from.slice(0, count);
}

/** Seats for `count` in proportion to `sizes`, none above its size: rounded down, the largest remainders get the rest. */
function apportion(sizes: readonly number[], count: number): readonly number[] {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const seats = sizes.map((size) => Math.floor((size * count) / total));
  const left = count - seats.reduce((sum, seat) => sum + seat, 0);
  const remainders = sizes.map((size, index) => ({ index, remainder: (size * count) % total }));
  remainders.sort((a, b) => b.remainder - a.remainder || a.index - b.index);
  for (const { index } of remainders.slice(0, left)) seats[index] = (seats[index] ?? 0) + 1;
  return seats;
}
