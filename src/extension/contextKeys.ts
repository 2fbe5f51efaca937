import * as vscode from "vscode";
import type { EditorSnapshot } from "../protocol/editor.ts";
import type { ModelEditors } from "./modelEditor.ts";

/** What the manifest's `when` clauses, and the steps of its walkthrough, ask of the model in the active editor. */
const contextKeys = {
  "sigmaquant.working": (snapshot) => snapshot.work !== undefined,
  "sigmaquant.hasProfile": (snapshot) => snapshot.profile !== undefined,
  "sigmaquant.hasPlan": (snapshot) => snapshot.hasPlan,
  "sigmaquant.whatIf": (snapshot) => snapshot.notices.some(({ kind }) => kind === "whatIf"),
  "sigmaquant.measured": (snapshot) => snapshot.metric !== undefined,
  "sigmaquant.quantized": (snapshot) => snapshot.comparison !== undefined,
} as const satisfies Record<`sigmaquant.${string}`, (snapshot: EditorSnapshot) => boolean>;

/** Keeps the context keys in step with the active model; all are false where none is active. */
export function keepContextKeys(editors: ModelEditors): vscode.Disposable {
  const set = new Map<string, boolean>();
  return editors.onChange(() => {
    const snapshot = editors.activeModel?.snapshot;
    for (const [key, of] of Object.entries(contextKeys)) {
      const value = snapshot !== undefined && of(snapshot);
      // Snapshots come many times a second; the keys hardly change.
      if (set.get(key) === value) continue;
      set.set(key, value);
      void vscode.commands.executeCommand("setContext", key, value);
    }
  });
}
