import { didYouMean } from "../../hardware/didYouMean.ts";
import { dataError } from "../errors.ts";
import { random } from "../random.ts";

/** Labels of a folder's subfolders. */
export interface FolderClasses {
  /** Class index by folder; undefined where the folders are no classes. */
  readonly labels?: ReadonlyMap<string, number>;
  /** Folders that are not used, as `classes` has none of their names. */
  readonly unused: readonly string[];
  readonly notes: readonly string[];
}

/** Classes that a note shows. */
const shownClasses = 5;

/**
 * Class indices of folders of images: as `classes` says; else the numbers that the folders are named by; else their order by name,
 * as torchvision's ImageFolder has it. A single folder is no class.
 * @param classes index by name, from preprocess.json
 * @param folder what messages call the set
 * @throws SigmaQuantError SQ4066 when `classes` knows none of the folders, or one under another name
 */
export function classesOf(
  names: readonly string[],
  classes: Readonly<Record<string, number>> | undefined,
  folder: string,
): FolderClasses {
  const sorted = [...names].sort();
  if (classes) return classesBy(sorted, classes, folder);
  const numbers = sorted.map(Number);
  const numbered = sorted.every((name) => /^\d{1,6}$/.test(name)) && new Set(numbers).size === sorted.length;
  if (numbered) {
    const note = "Labels are the numbers that the folders are named by.";
    return { labels: new Map(sorted.map((name) => [name, Number(name)])), unused: [], notes: [note] };
  }
  if (sorted.length === 1) {
    const note = `The images lie in one folder, ${sorted[0]}, which is taken for no class: they have no labels.`;
    return { unused: [], notes: [note] };
  }
  const shown = sorted.slice(0, shownClasses).map((name, index) => `${index} ${name}`);
  if (sorted.length > shownClasses) shown.push(`... ${sorted.length - 1} ${sorted.at(-1)}`);
  const note = `Labels are the folders in the order of their names (${shown.join(", ")}); "classes" in preprocess.json can say otherwise.`;
  return { labels: new Map(sorted.map((name, index) => [name, index])), unused: [], notes: [note] };
}

function classesBy(names: readonly string[], classes: Readonly<Record<string, number>>, folder: string): FolderClasses {
  const known = names.filter((name) => Object.hasOwn(classes, name));
  const unused = names.filter((name) => !known.includes(name));
  const missing = Object.keys(classes).filter((name) => !known.includes(name));
  const slip = unused.find((name) => didYouMean(name, missing) !== undefined);
  if (known.length === 0 || slip !== undefined) {
    const name = slip ?? names[0] ?? "";
    const meant = didYouMean(name, missing);
    const remedy = meant === undefined ? 'Correct "classes" in preprocess.json.' : `Did you mean it by ${meant}?`;
    throw dataError("image-classes", `"classes" in preprocess.json has no folder ${name}`, remedy, { file: folder });
  }
  const labels = new Map(known.map((name) => [name, classes[name] as number]));
  const notes =
    unused.length === 0
      ? []
      : [`Folders that are no classes of preprocess.json are not used: ${unused.slice(0, 10).join(", ")}.`];
  return { labels, unused, notes };
}

/**
 * Samples in an order whose every beginning is a fair part of the whole: each group shuffled, then one of each group in turn. It is
 * the same on every machine.
 */
export function mixed<T>(groups: readonly (readonly T[])[]): readonly T[] {
  const shuffled = groups.map((group, index) => {
    const own = [...group];
    const generator = random(1, index);
    for (let at = 0; at < own.length; at++) {
      const other = at + generator.below(own.length - at);
      [own[at], own[other]] = [own[other] as T, own[at] as T];
    }
    return own;
  });
  const most = shuffled.reduce((longest, { length }) => Math.max(longest, length), 0);
  return Array.from({ length: most }, (_, at) => shuffled.flatMap((group) => group.slice(at, at + 1))).flat();
}
