import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { isImageName } from "../node/images/folder.ts";

/** Folders that hold no models of the user's own. */
const skipped = new Set(["node_modules", "dist", "out", "build", "__pycache__", "venv", "__MACOSX"]);
/** Folders in folders; deeper ones are no workspace that a person browses. */
const maxDepth = 12;
/** Entries looked at in one workspace, so that a home folder opened as a workspace does not stall anything. */
const maxEntries = 50_000;
/** Images counted in one workspace: sets of them have many files, which must not hide the models beside them. */
const maxImages = 500_000;
/** A folder with fewer images is one of screenshots or icons rather than of samples. Our choice. */
const leastImages = 16;

const endings = {
  models: [".onnx"],
  profiles: [".hwprofile.json"],
  plans: [".sigmaquant.json"],
  arrays: [".npz", ".npy"],
} as const;

export interface WorkspaceFiles {
  readonly models: readonly string[];
  readonly profiles: readonly string[];
  readonly plans: readonly string[];
  /** Files of arrays, then folders of images. */
  readonly sampleSets: readonly string[];
}

/** The folder of the workspace that a file lies in; of those that lie in one another, the innermost. */
export function folderOf(file: string, folders: readonly string[]): string | undefined {
  const around = folders.filter((folder) => file.startsWith(folder.endsWith(path.sep) ? folder : folder + path.sep));
  return around.toSorted((a, b) => b.length - a.length)[0];
}

/** Models, profiles, plans and sample sets below some folders; links are not followed, dot folders are left out. */
export async function findFiles(folders: readonly string[]): Promise<WorkspaceFiles> {
  const found: string[] = [];
  const imageFolders: string[] = [];
  let entries = 0;
  let images = 0;
  /** Returns how many images lie in the folder itself. */
  const walk = async (folder: string, depth: number): Promise<number> => {
    if (depth > maxDepth || entries > maxEntries || images > maxImages) return 0;
    let children: Dirent[];
    try {
      children = await readdir(folder, { withFileTypes: true });
    } catch {
      // Not readable, or gone: nothing to offer from there.
      return 0;
    }
    let own = 0;
    const parts = new Map<string, number>();
    for (const child of children) {
      const full = path.join(folder, child.name);
      if (child.isDirectory()) {
        if (!skipped.has(child.name) && !child.name.startsWith(".")) parts.set(full, await walk(full, depth + 1));
      } else if (child.isFile()) {
        if (isImageName(child.name)) own++;
        else found.push(full);
      }
    }
    entries += children.length - own;
    images += own;
    imageFolders.push(...imageSets(folder, own, parts));
    return own;
  };
  for (const folder of folders) {
    const own = await walk(folder, 0);
    if (own >= leastImages) imageFolders.push(folder);
  }
  const ending = (own: readonly string[]) => found.filter((file) => endsIn(file, own)).sort();
  return {
    models: ending(endings.models),
    profiles: ending(endings.profiles),
    plans: ending(endings.plans),
    sampleSets: [...ending(endings.arrays), ...imageFolders.sort()],
  };
}

/** Whether a file is one of those that are looked for, or says how they are read, by its name. */
export function isWorkspaceFile(file: string): boolean {
  const name = path.basename(file);
  return endsIn(name, Object.values(endings).flat()) || isImageName(name) || name === "preprocess.json";
}

function endsIn(file: string, own: readonly string[]): boolean {
  return own.some((end) => file.toLowerCase().endsWith(end));
}

/** A folder whose subfolders are classes is one set; else each subfolder with enough images is one. @param parts images by subfolder */
function imageSets(folder: string, own: number, parts: ReadonlyMap<string, number>): readonly string[] {
  const counts = [...parts.values()];
  const isClasses = own === 0 && counts.length > 1 && counts.every((count) => count > 0);
  if (isClasses) return counts.reduce((sum, count) => sum + count, 0) >= leastImages ? [folder] : [];
  return [...parts].filter(([, count]) => count >= leastImages).map(([part]) => part);
}
