import type { Discovery } from "../model/discover.ts";
import type { SensitivityTable } from "../sensitivity/types.ts";

/**
 * A note on layers in branches that no sample takes: their bits change nothing on these samples, so that they get the fewest.
 * Undefined without any.
 */
export function unreachedNote({ layers }: Discovery, { byLayer }: SensitivityTable): string | undefined {
  const unreached = layers.filter(({ name, nodes }) => {
    const harm = Object.values(byLayer[name] ?? {});
    return nodes.every((path) => path.includes("/")) && harm.length > 0 && harm.every((value) => value === 0);
  });
  if (unreached.length === 0) return undefined;
  const [first] = unreached;
  const which =
    unreached.length === 1 ? `${first?.name} is` : `${unreached.length} layers, ${first?.name} the first, are`;
  return `${which} in a branch that no sample takes: nothing is known of the harm of fewer bits there. Add samples for each branch, or pin bits`;
}
