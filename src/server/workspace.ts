import path from "node:path";
import { presetSource } from "../node/profiles.ts";
import type { Choice } from "../protocol/editor.ts";
import { pathOf, uriOf } from "./uris.ts";
import { findFiles, folderOf, type WorkspaceFiles } from "./workspaceFiles.ts";

/** A burst of file events (a checkout, a build) is looked at once. */
const scanMs = 200;

/** The workspace's folders and what was found in them, looked for anew as files come and go. */
export class Workspace {
  /** Paths. */
  folders: readonly string[];
  /** Another object after every look. */
  files: WorkspaceFiles = { models: [], profiles: [], plans: [], sampleSets: [] };
  private scanTimer: NodeJS.Timeout | undefined;
  /** Paths of files that changed since the last scan. */
  private readonly written = new Set<string>();

  /** @param folders URIs @param scanned told after every scan of the files that changed before it */
  constructor(
    folders: readonly string[],
    private readonly scanned: (written: readonly string[]) => Promise<void>,
  ) {
    this.folders = pathsOf(folders);
  }

  /** Looks for models, profiles, plans and sample sets anew. */
  async scan(): Promise<void> {
    this.files = await findFiles(this.folders);
    const written = [...this.written];
    this.written.clear();
    await this.scanned(written);
  }

  /** For who needs the files before the first scan has ended. */
  async find(): Promise<void> {
    const { models, profiles } = this.files;
    if (models.length === 0 && profiles.length === 0) this.files = await findFiles(this.folders);
  }

  /** @param added URIs, as those that are removed */
  foldersChanged(added: readonly string[], removed: readonly string[]): void {
    const gone = new Set(pathsOf(removed));
    this.folders = [...this.folders.filter((folder) => !gone.has(folder)), ...pathsOf(added)];
    void this.scan();
  }

  /** Files came, changed or went: there is a scan once things are quiet. */
  filesChanged(files: readonly string[]): void {
    for (const file of files) this.written.add(file);
    if (this.written.size === 0) return;
    clearTimeout(this.scanTimer);
    this.scanTimer = setTimeout(() => void this.scan(), scanMs);
  }

  /** Devices that can be chosen: own profiles, then presets. */
  profiles(): readonly Choice[] {
    const own = this.files.profiles.map((file) => this.choice(uriOf(file), file));
    const presets = [...presetSource.presetNames].map(
      (name): Choice => ({ id: `preset:${name}`, label: name, kind: "preset" }),
    );
    return [...own, ...presets];
  }

  sampleSets(): readonly Choice[] {
    return this.files.sampleSets.map((file) => this.choice(file, file));
  }

  dispose(): void {
    clearTimeout(this.scanTimer);
  }

  private choice(id: string, file: string): Choice {
    const folder = folderOf(file, this.folders);
    const below = path.relative(folder ?? path.dirname(file), path.dirname(file));
    // Of files in two folders with the same names it is told which is which.
    const detail = folder !== undefined && this.folders.length > 1 ? path.join(path.basename(folder), below) : below;
    const label = path.basename(file).replace(/\.hwprofile\.json$/i, "");
    return { id, label, kind: "workspace", ...(detail !== "" && { detail }) };
  }
}

function pathsOf(uris: readonly string[]): string[] {
  return uris.flatMap((uri) => pathOf(uri) ?? []);
}
