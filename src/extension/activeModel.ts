import type * as vscode from "vscode";
import { requests } from "../protocol/requests.ts";
import type { ModelEditors } from "./modelEditor.ts";
import type { ServerConnection } from "./server.ts";

/** Tells the server which model is in use: figures beside a profile are of the one that was last. */
export function tellActiveModel(editors: ModelEditors, server: ServerConnection): vscode.Disposable {
  let told: string | undefined;
  return editors.onChange(() => {
    const uri = editors.activeModel?.uri.toString();
    if (uri === undefined || uri === told) return;
    told = uri;
    // A server that is not there just now is told with the next change.
    server.request(requests.activeModel, { uri }).catch(() => {
      told = undefined;
    });
  });
}
