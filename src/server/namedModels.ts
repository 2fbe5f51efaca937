import path from "node:path";

/** Where a name in code is looked for. */
export interface NamedIn {
  /** The file that has the code; undefined for a text that is no file. */
  readonly document: string | undefined;
  /** The workspace's folders. */
  readonly folders: readonly string[];
  /** Its models. */
  readonly models: readonly string[];
}

/** Systems whose file systems usually take `Net.onnx` and `net.onnx` for the same file. */
const ignoresCase = process.platform === "win32" || process.platform === "darwin";

/** Models of a workspace by the paths that code has for them. */
export class NamedModels {
  private readonly models: ReadonlyMap<string, string>;
  private readonly bases: readonly string[];

  constructor({ document, folders, models }: NamedIn) {
    this.models = new Map(models.map((file) => [keyOf(file), file]));
    const beside = document === undefined ? [] : [path.dirname(document)];
    // The document's own folder of the workspace comes before the others.
    const own = folders.filter((folder) => document?.startsWith(folder + path.sep));
    this.bases = [...beside, ...own, ...folders];
  }

  /**
   * The model that a string in code names: absolute, relative to the file, or to a folder of the workspace.
   * @param name as it stands in the code: backslashes may be doubled
   * @returns undefined for what is no model of the workspace
   */
  find(name: string): string | undefined {
    const plain = name.replace(/\\+/g, "/");
    if (path.isAbsolute(plain)) return this.models.get(keyOf(plain));
    for (const base of this.bases) {
      const found = this.models.get(keyOf(path.resolve(base, plain)));
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

function keyOf(file: string): string {
  const normal = path.normalize(file);
  return ignoresCase ? normal.toLowerCase() : normal;
}
