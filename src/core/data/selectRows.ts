import type { ArraySource } from "./arrays.ts";
import { concatRows } from "./elements.ts";

/**
 * Chosen rows of an array as an array. Runs of neighbours are read at once, so ascending indices cost few reads.
 * @param indices rows of `source`, each below its length
 */
export function selectRows(source: ArraySource, indices: Uint32Array): ArraySource {
  return {
    type: source.type,
    dims: [indices.length, ...source.dims.slice(1)],
    rows: async (from, count, signal) => {
      const parts = [];
      const end = from + count;
      for (let at = from; at < end; ) {
        const first = indices[at] ?? 0;
        let length = 1;
        while (at + length < end && indices[at + length] === first + length) length++;
        signal?.throwIfAborted();
        parts.push(await source.rows(first, length, signal));
        at += length;
      }
      return parts.length === 0 ? source.rows(0, 0, signal) : concatRows(parts);
    },
  };
}
