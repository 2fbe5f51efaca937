import { cpSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";

/** A folder of its own for one run, so that no test can touch what is in the repository. */
export interface WorkspaceCopy {
  readonly folder: string;
  remove(): void;
}

/** What runs leave beside a model: a folder that somebody has tried things in is as good as a fresh one. */
const products = /\.sigmaquant\.json$|\.report\.(md|csv)$|\.[^.]+\.onnx$/;

/** A copy of a folder in the system's temporary one, without what runs left there; its name, which the editor shows, stays. */
export function copyWorkspace(source: string): WorkspaceCopy {
  const parent = mkdtempSync(path.join(os.tmpdir(), "sigmaquant-workspace-"));
  const folder = path.join(parent, path.basename(source));
  cpSync(source, folder, { recursive: true, filter: (file) => !products.test(path.basename(file)) });
  return { folder, remove: () => rmSync(parent, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }) };
}
