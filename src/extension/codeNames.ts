/** A string in code that could be the path of a model. */
export interface CodeName {
  /** As it stands between the quotes. */
  readonly name: string;
  /** Of the opening quote; in UTF-16 units. */
  readonly offset: number;
}

/** Of a longer file only the beginning is looked at: generated code and data in sources reach many megabytes. Our choice. */
const maxLookedAt = 2 ** 20;
/** Paths are shorter on every system, and more names are data and no code. Our choice. */
const maxNameLength = 1024;
const maxNames = 200;

/**
 * Comments and strings of each language, whichever begins first. All of them end somewhere, at the latest with the line or the text, so that
 * no text is gone through more than once.
 */
const tokens = {
  python: /#.*|("""|''')(?:[\s\S]*?\1|[\s\S]*)|"(?:[^"\\\n]|\\[\s\S])*"?|'(?:[^'\\\n]|\\[\s\S])*'?/g,
  c: /\/\/.*|\/\*(?:[\s\S]*?\*\/|[\s\S]*)|R"([^()\\\s]{0,16})\((?:[\s\S]*?\)\1"|[\s\S]*)|"(?:[^"\\\n]|\\[\s\S])*"?|(?<![0-9A-Za-z_])(?:u8|[LuU])?'(?:[^'\\\n]|\\[\s\S])*'?/g,
} as const satisfies Record<string, RegExp>;

export type CodeSyntax = keyof typeof tokens;

/** Strings of a text in code that end in `.onnx`, in their order. */
export function modelNamesIn(text: string, syntax: CodeSyntax): readonly CodeName[] {
  const looked = text.slice(0, maxLookedAt);
  if (!/\.onnx/i.test(looked)) return [];
  const found: CodeName[] = [];
  for (const { 0: token, index } of looked.matchAll(tokens[syntax])) {
    const string = /^(?:R"[^()\\\s]{0,16}\(|"""|'''|"|')([^\n]*\.onnx)(?:\)[^()\\\s]{0,16}"|"""|'''|"|')$/i.exec(
      token.length <= maxNameLength ? token : "",
    );
    if (string?.[1] === undefined) continue;
    found.push({ name: string[1], offset: index });
    if (found.length === maxNames) break;
  }
  return found;
}
