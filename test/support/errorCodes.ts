import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

/** A code with the name that a source gives it. */
export interface CodeSlug {
  readonly code: string;
  readonly slug: string;
  /** Where it stands, from the root. */
  readonly file: string;
}

/** What sources say of error codes. */
export interface SourceCodes {
  /** Codes outside of comments: those that can come out of the program. */
  readonly used: ReadonlySet<string>;
  /** Codes that comments name; of ranges (`SQ4060-SQ4064`) the ends. */
  readonly named: ReadonlySet<string>;
  readonly slugs: readonly CodeSlug[];
}

/** The ways in which the sources write a code with its name. */
const pairs: readonly RegExp[] = [
  // An error's arguments, and two properties.
  /(?:SigmaQuantError|super)\(\s*"(?<code>SQ\d{4})",\s*"(?<slug>[^"]*)"/g,
  /code: "(?<code>SQ\d{4})",\s*slug: "(?<slug>[^"]*)"/g,
  // Entries of tables; the other way round only in that of samples (src/core/data/errors.ts).
  /\b(?<code>SQ\d{4}): "(?<slug>[^"]*)"/g,
  /^ {2}"?(?<slug>[a-z][a-z0-9-]*)"?: "(?<code>SQ4\d{3})",$/gm,
];

/** All codes in the TypeScript files of a folder. */
export function sourceCodes(root: string, folder: string): SourceCodes {
  const files = readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => path.join(folder, name));
  const all = files.map((file) => codesOf(readFileSync(path.join(root, file), "utf8"), file));
  return {
    used: new Set(all.flatMap(({ used }) => [...used])),
    named: new Set(all.flatMap(({ named }) => [...named])),
    slugs: all.flatMap(({ slugs }) => slugs),
  };
}

/** All codes in one source. */
export function codesOf(source: string, file: string): SourceCodes {
  const comments: string[] = [];
  // "//" in an address, or in a pattern, is none.
  const code = source.replace(/\/\*[\s\S]*?\*\/|(?<![:"'`\\])\/\/.*$/gm, (comment) => {
    comments.push(comment);
    return "";
  });
  const slugs = pairs.flatMap((pattern) =>
    [...code.matchAll(pattern)].map(({ groups: { code = "", slug = "" } = {} }) => ({ code, slug, file })),
  );
  return { used: codesIn(code), named: codesIn(comments.join("\n")), slugs };
}

function codesIn(text: string): ReadonlySet<string> {
  return new Set([...text.matchAll(/\bSQ\d{4}\b/g)].map(([code]) => code));
}
