import { cpSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";

/** A folder of its own for one run, so that no test can touch what is in the repository. */
export interface WorkspaceCopy {
  readonly folder: string;
  remove(): void;
}

/** A copy of a folder in the system's temporary one; its name, which the editor shows, stays. */
export function copyWorkspace(source: string): WorkspaceCopy {
  const parent = mkdtempSync(path.join(os.tmpdir(), "sigmaquant-workspace-"));
  const folder = path.join(parent, path.basename(source));
  cpSync(source, folder, { recursive: true });
  return { folder, remove: () => rmSync(parent, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }) };
}
