import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";

/** Folders that hold no models of the user's own. */
const skipped = new Set(["node_modules", "dist", "out", "build", "__pycache__", "venv"]);
/** Folders in folders; deeper ones are no workspace that a person browses. */
const maxDepth = 12;
/** Entries looked at in one workspace, so that a home folder opened as a workspace does not stall anything. */
const maxEntries = 50_000;

export interface WorkspaceFiles {
  readonly models: readonly string[];
  readonly profiles: readonly string[];
  readonly plans: readonly string[];
  readonly sampleSets: readonly string[];
}

/** Models, profiles, plans and sample sets below some folders; links are not followed, dot folders are left out. */
export async function findFiles(folders: readonly string[]): Promise<WorkspaceFiles> {
  const found: string[] = [];
  let entries = 0;
  const walk = async (folder: string, depth: number): Promise<void> => {
    if (depth > maxDepth || entries > maxEntries) return;
    let children: Dirent[];
    try {
      children = await readdir(folder, { withFileTypes: true });
    } catch {
      // Not readable, or gone: nothing to offer from there.
      return;
    }
    entries += children.length;
    for (const child of children) {
      const full = path.join(folder, child.name);
      if (child.isDirectory()) {
        if (!skipped.has(child.name) && !child.name.startsWith(".")) await walk(full, depth + 1);
      } else if (child.isFile()) found.push(full);
    }
  };
  for (const folder of folders) await walk(folder, 0);
  const ending = (...endings: readonly string[]) =>
    found.filter((file) => endings.some((end) => file.toLowerCase().endsWith(end))).sort();
  return {
    models: ending(".onnx"),
    profiles: ending(".hwprofile.json"),
    plans: ending(".sigmaquant.json"),
    sampleSets: ending(".npz", ".npy"),
  };
}
