import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { unzipSync } from "fflate";

/** An extension unpacked from its package. */
export interface UnpackedExtension {
  /** The folder with its package.json. */
  readonly folder: string;
  remove(): void;
}

/** Unpacks a .vsix, so that the tests in the extension host run what ships. */
export function unpackVsix(file: string): UnpackedExtension {
  const parent = mkdtempSync(path.join(os.tmpdir(), "sigmaquant-extension-"));
  const content = unzipSync(readFileSync(file), { filter: ({ name }) => name.startsWith("extension/") });
  for (const [name, bytes] of Object.entries(content)) {
    if (name.endsWith("/")) continue;
    const target = path.join(parent, name);
    if (!target.startsWith(parent + path.sep)) throw new Error(`${file} has a file outside of its folder: ${name}`);
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, bytes);
  }
  return { folder: path.join(parent, "extension"), remove: () => rmSync(parent, { recursive: true, force: true }) };
}
