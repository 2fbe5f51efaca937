import path from "node:path";
import { FileChangeType, type FileEvent } from "vscode-languageserver/node";
import { pathOf } from "./uris.ts";
import { isWorkspaceFile, type WorkspaceFiles } from "./workspaceFiles.ts";

/**
 * Paths that an event of the editor's watchers is about. Of a folder that was deleted the editor tells, and not of what was in it: these
 * are the files known to have been there. Empty where none is of interest.
 * @param open paths of open models and texts, wherever they lie
 */
export function changedFiles(
  { uri, type }: FileEvent,
  found: WorkspaceFiles,
  open: readonly string[],
): readonly string[] {
  const file = pathOf(uri);
  if (file === undefined) return [];
  if (type !== FileChangeType.Deleted) return [file];
  const { models, profiles, plans, sampleSets } = found;
  const below = [...models, ...profiles, ...plans, ...sampleSets, ...open].filter((each) => liesIn(each, file));
  const isOurs = isWorkspaceFile(file) || sampleSets.some((set) => liesIn(file, set));
  return isOurs ? [file, ...below] : below;
}

function liesIn(file: string, folder: string): boolean {
  return file.startsWith(folder + path.sep);
}
