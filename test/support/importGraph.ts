import { readdirSync } from "node:fs";
import { builtinModules } from "node:module";
import path from "node:path";
import { type BuildOptions, build } from "esbuild";
import { nodeBuild, webviewBuild } from "../../esbuild.mjs";
import { root } from "../../scripts/lib/run.mjs";

/**
 * Who imports whom at run time: file -> what it imports. Ours and those of packages are paths from the root; a built-in module is
 * "node:fs", a package that is not bundled its name. Imports of types alone are not in it, as nothing of them is left to run.
 */
export type ImportGraph = ReadonlyMap<string, readonly string[]>;

/**
 * Every source below src/ and webview/, with the packages that it takes in. What is free of Node is bundled for a browser, as some
 * packages have one file for Node and another for everything else.
 */
export async function importGraph(): Promise<ImportGraph> {
  const all = sources("src");
  const isFree = (file: string) => /^src\/(core|protocol)\//.test(file);
  const graphs = await Promise.all([
    graphOf(
      nodeBuild(),
      all.filter((file) => !isFree(file)),
    ),
    graphOf(webviewBuild(), [...all.filter(isFree), ...sources("webview")]),
  ]);
  return new Map(graphs.flatMap((graph) => [...graph]));
}

/** All that a file takes in, directly or through others, and itself. */
export function reachable(graph: ImportGraph, from: string): ReadonlySet<string> {
  const seen = new Set([from]);
  // A set hands out what is added to it while it is walked.
  for (const file of seen) for (const target of graph.get(file) ?? []) seen.add(target);
  return seen;
}

/** Whether an import is of a module that is a part of Node. */
export function isBuiltin(target: string): boolean {
  return target.startsWith("node:");
}

async function graphOf(options: BuildOptions, entryPoints: readonly string[]): Promise<ImportGraph> {
  if (entryPoints.length === 0) return new Map();
  const { metafile } = await build({
    ...options,
    // All sources and not only the programs' entries: what no program takes in yet has to keep to its layer too.
    entryPoints: [...entryPoints],
    // Part of Node even where the bundle is for a browser: it is to be found, not to fail the build.
    external: [...(options.external ?? []), ...builtinModules, "node:*", "vscode", "onnxruntime-node"],
    outdir: "unwritten",
    write: false,
    metafile: true,
    sourcemap: false,
    // What is of interest here is how the sources hang together; building is the build's business.
    logLevel: "silent",
    format: "esm",
    // Else what is shared is written once for each source.
    splitting: true,
  });
  return new Map(
    Object.entries(metafile?.inputs ?? {}).map(([file, { imports }]) => [file, imports.map(({ path }) => named(path))]),
  );
}

function named(target: string): string {
  return builtinModules.includes(target) ? `node:${target}` : target;
}

function sources(folder: string): readonly string[] {
  try {
    return readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"))
      .map((file) => path.posix.join(folder, file.replaceAll(path.sep, "/")));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
