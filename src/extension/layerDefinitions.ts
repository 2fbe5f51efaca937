import * as vscode from "vscode";
import type { ModelEditors } from "./modelEditor.ts";
import type { ServerConnection } from "./server.ts";

/** An editor that opens within this time after "Go to Definition" was opened by it. */
const opensWithinMs = 3000;

/**
 * Shows a layer whose name "Go to Definition" was used on: a definition is a place in a file, which a model's editor can't be opened at, so
 * that the layer is shown once the editor has come to the front.
 */
export function showDefinedLayers(editors: ModelEditors, server: ServerConnection): vscode.Disposable {
  let asked: { readonly model: string; readonly layer: string; readonly at: number } | undefined;
  return vscode.Disposable.from(
    server.onLayerDefinition(({ model, layer }) => {
      asked = { model: model.toString(), layer, at: performance.now() };
    }),
    editors.onChange(() => {
      const uri = editors.activeModel?.uri;
      if (!asked || uri?.toString() !== asked.model) return;
      const { layer, at } = asked;
      asked = undefined;
      if (performance.now() - at <= opensWithinMs) void editors.reveal(uri, layer);
    }),
  );
}
