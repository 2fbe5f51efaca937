import * as vscode from "vscode";
import { requests } from "../protocol/requests.ts";
import type { ServerConnection } from "./server.ts";

const scheme = "sigmaquant-preset";
const presetPrefix = "preset:";

/** Presets as texts that can be read and not written: `sigmaquant-preset:/max78000.hwprofile.json`. */
export function registerPresetTexts(server: ServerConnection): vscode.Disposable {
  return vscode.workspace.registerTextDocumentContentProvider(scheme, {
    provideTextDocumentContent: ({ path }) => {
      const id = `${presetPrefix}${path.replace(/^\//, "").replace(/\.hwprofile\.json$/, "")}`;
      return server.request(requests.presetSource, { id });
    },
  });
}

/** Where a profile's text is. @param id `preset:<name>`, or a URI */
export function profileUri(id: string): vscode.Uri {
  if (!id.startsWith(presetPrefix)) return vscode.Uri.parse(id);
  return vscode.Uri.from({ scheme, path: `/${id.slice(presetPrefix.length)}.hwprofile.json` });
}
