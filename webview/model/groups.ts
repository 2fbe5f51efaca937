/** Consecutive layers under one name: `layer1` over layer1.0.conv1 to layer1.2.conv2. */
export interface LayerGroup {
  readonly name: string;
  /** First and last, both in. */
  readonly from: number;
  readonly to: number;
}

/** More brackets than this below a chart are noise. */
const mostGroups = 16;

/**
 * Groups of layers by the first part of their names that tells them apart (`layer1.0.conv1`, `/layer1/layer1.0/conv1`). Groups of one
 * are left out, and all of them where the names show no structure.
 */
export function groupsOf(names: readonly string[]): readonly LayerGroup[] {
  const parts = names.map((name) => name.split(/[./]/).filter(Boolean));
  for (let depth = 0; depth < 3; depth++) {
    const groups = runs(parts.map((p) => (p.length > depth + 1 ? p[depth] : undefined)));
    if (groups.length > mostGroups) return [];
    // One group over everything tells nothing; the next part of the names may.
    const all = groups.length === 1 && groups[0] !== undefined && groups[0].to - groups[0].from + 1 === names.length;
    if (groups.length > 0 && !all) return groups;
  }
  return [];
}

function runs(keys: readonly (string | undefined)[]): LayerGroup[] {
  const groups: LayerGroup[] = [];
  let from = 0;
  for (let i = 1; i <= keys.length; i++) {
    if (i < keys.length && keys[i] === keys[from]) continue;
    const name = keys[from];
    if (name !== undefined && i - from > 1) groups.push({ name, from, to: i - 1 });
    from = i;
  }
  return groups;
}
