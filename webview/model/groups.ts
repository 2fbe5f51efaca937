/** Consecutive layers under one name: `layer1` over layer1.0.conv1 to layer1.2.conv2. */
export interface LayerGroup {
  readonly name: string;
  /** First and last, both in. */
  readonly from: number;
  readonly to: number;
}

/** More brackets than this below a chart are noise. */
const mostGroups = 16;
/** One group over so much of the network tells nothing. */
const nearlyAll = 0.75;

/**
 * Groups of layers by the first part of their names that tells them apart (`layer1.0.conv1`, `/layer1/layer1.0/conv1`). Groups of one
 * are left out, and all of them where the names show no structure.
 */
export function groupsOf(names: readonly string[]): readonly LayerGroup[] {
  const parts = names.map((name) => name.split(/[./]/).filter(Boolean));
  for (let depth = 0; depth < 3; depth++) {
    const groups = runs(parts.map((p) => (p.length > depth + 1 ? p.slice(0, depth + 1) : undefined)));
    if (groups.length > mostGroups) return [];
    // The next part of the names may tell more.
    const all = groups.some(({ from, to }) => to - from + 1 > nearlyAll * names.length);
    if (groups.length > 0 && !all) return groups;
  }
  return [];
}

function runs(paths: readonly (readonly string[] | undefined)[]): LayerGroup[] {
  const groups: LayerGroup[] = [];
  const keys = paths.map((path) => path?.join("/"));
  let from = 0;
  for (let i = 1; i <= keys.length; i++) {
    if (i < keys.length && keys[i] === keys[from]) continue;
    const path = paths[from];
    if (path !== undefined && i - from > 1) groups.push({ name: nameOf(path), from, to: i - 1 });
    from = i;
  }
  return groups;
}

/** The last part; a number alone (`features.3`) with the one before it. */
function nameOf(path: readonly string[]): string {
  const last = path.at(-1) ?? "";
  return /^\d+$/.test(last) && path.length > 1 ? `${path.at(-2)}.${last}` : last;
}
