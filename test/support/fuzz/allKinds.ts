import { npyKind, npzKind, tensorKind } from "./dataKinds.ts";
import { imageKind } from "./imageKind.ts";
import type { Kind } from "./kinds.ts";
import { messageKind } from "./messageKind.ts";
import { modelKind } from "./modelKind.ts";
import { planKind, preprocessKind, profileKind } from "./textKinds.ts";

/** Every kind of file that a stranger may have made; their shares are of a hundred. */
export const allKinds: readonly Kind[] = [
  modelKind,
  npzKind,
  npyKind,
  tensorKind,
  imageKind,
  profileKind,
  planKind,
  preprocessKind,
  messageKind,
];

/** The kind of a case: every hundred cases have each kind as often as its share says, mixed. */
export function kindOf(number: number): Kind {
  // 37 has no factor in common with 100, so that all numbers below 100 come up.
  let left = (number * 37) % 100;
  for (const kind of allKinds) {
    left -= kind.share;
    if (left < 0) return kind;
  }
  throw new Error("the shares are not a hundred");
}
