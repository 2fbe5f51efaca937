import { parse } from "jsonc-parser";
import type { Random } from "../../../src/core/data/random.ts";
import { mutateBytes, onceIn, oneOf } from "./mutateBytes.ts";

/** Values that a text may have in place of any other. */
const values: readonly unknown[] = [
  ...[0, -0, 1, -1, 2, 3, 8, 9, 0.5, 1e-320, 1e308, -1e308, 2 ** 31, 2 ** 32, 2 ** 53, 1e21],
  ...[null, true, false, "", " ", "a\0b", "\ud800", "__proto__", "constructor", "2x8", "8x8", "preset:generic"],
  ...["x".repeat(5000), "../../../../etc/passwd", "/dev/zero", "C:\\x", "file:///", "NaN", "2", "\u202e", "<b>&"],
  ...[[], {}, [[]], [null], [2, 4, 8], { a: 1 }],
];

/** Pieces that are put into texts as they are. */
const pieces = [
  ...["{", "}", "[", "]", ",", ":", '"', "//", "/*", "*/", "\\", "\\u", "\ufeff", "\0", "\r", "\u2028"],
  ...["1e999", "-", ".5", "01", "0x10", "NaN", "Infinity", "undefined", "'a'", '"\\ud800"', '"__proto__": 1,'],
];

const maxNesting = 3000;

/** A JSON text (comments allowed) with something changed: a value, a member, a piece of the text, or bytes of it. */
export function mutateJson(bytes: Uint8Array, dice: Random): Uint8Array {
  if (onceIn(dice, 8)) return mutateBytes(bytes, dice);
  const text = new TextDecoder().decode(bytes);
  return new TextEncoder().encode(onceIn(dice, 3) ? mutateText(text, dice) : mutateValues(text, dice));
}

function mutateText(text: string, dice: Random): string {
  const tokens = [...text.matchAll(/"(?:[^"\\\n]|\\.)*"|-?[\d.][\d.eE+-]*|[a-z]+|[{}[\],:]|\s+|./gsu)].map(([t]) => t);
  const at = dice.below(tokens.length + 1);
  const [before, token = "", after] = [tokens.slice(0, at), tokens[at], tokens.slice(at + 1)];
  const instead = oneOf<() => readonly string[]>(dice, [
    () => [],
    () => [token, token],
    () => [oneOf(dice, pieces)],
    () => [token, oneOf(dice, pieces)],
    () => [JSON.stringify(oneOf(dice, values))],
    () => [oneOf(dice, tokens)],
    () => [oneOf(dice, ["[", '{"a":', "/*"]).repeat(1 + dice.below(maxNesting)), token],
    () => [...tokens.slice(at, at + dice.below(80)), token],
  ])();
  return [...before, ...instead, ...after].join("");
}

type Place = { readonly owner: Record<string, unknown>; readonly key: string };

/** The text's value with one to five changes, written again: JSON whatever the changes. */
function mutateValues(text: string, dice: Random): string {
  const root: Record<string, unknown> = { value: parse(text, [], { allowTrailingComma: true }) };
  for (let left = 1 + (onceIn(dice, 2) ? 0 : dice.below(5)); left > 0; left--) changeOne(root, dice);
  return JSON.stringify(root.value, null, onceIn(dice, 2) ? 2 : undefined) ?? "";
}

function changeOne(root: Record<string, unknown>, dice: Random): void {
  const all = places(root);
  // All of it was taken out.
  if (all.length === 0) return;
  const { owner, key } = oneOf(dice, all);
  const list = Array.isArray(owner) ? (owner as unknown[]) : undefined;
  oneOf<() => void>(dice, [
    () => set(owner, key, anyValue(dice)),
    () => set(owner, key, anyValue(dice)),
    () => set(owner, key, near(owner[key], dice)),
    () => {
      const from = oneOf(dice, all);
      set(owner, key, structuredClone(from.owner[from.key]));
    },
    () => {
      if (list) list.splice(Number(key), 1);
      else delete owner[key];
    },
    () => {
      const value = owner[key];
      if (list) list.push(...Array.from({ length: 1 + dice.below(20) }, () => structuredClone(value)));
      else set(owner, oneOf(dice, [`${key}x`, "__proto__", "", "toString", "2x8", "99x99"]), structuredClone(value));
    },
    () => {
      let value: unknown = owner[key];
      for (let depth = dice.below(300); depth > 0; depth--) value = [value];
      set(owner, key, value);
    },
  ])();
}

/** Defined, so that "__proto__" is a member like any other. */
function set(owner: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(owner, key, { value, enumerable: true, configurable: true, writable: true });
}

/** A value like the one that is there. */
function near(value: unknown, dice: Random): unknown {
  if (typeof value === "number")
    return oneOf(dice, [-value, value + 1, value * 2, value / 3, value * 1e9, value * 1e-9]);
  if (typeof value === "string")
    return oneOf(dice, [`${value} `, value.slice(1), value.toUpperCase(), value.repeat(3)]);
  return anyValue(dice);
}

/** One of its own: later changes are to the text's, and not to what every other case may get. */
function anyValue(dice: Random): unknown {
  return structuredClone(oneOf(dice, values));
}

/** Not those deep in what was nested already. */
function places(owner: Record<string, unknown>, depth = 0): readonly Place[] {
  return Object.entries(owner).flatMap(([key, value]) => [
    { owner, key },
    ...(typeof value === "object" && value !== null && depth < 40
      ? places(value as Record<string, unknown>, depth + 1)
      : []),
  ]);
}
