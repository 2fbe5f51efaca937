import * as vscode from "vscode";
import { showError } from "./errors.ts";
import type { Log } from "./log.ts";

/** A command's body. VS Code gives the resource it was called on and, from the explorer, all that are selected. */
export type CommandHandler = (uri?: vscode.Uri, selected?: readonly vscode.Uri[]) => Promise<unknown>;

/** Registers a table of commands: one wrapper for errors, logging and cancellation. */
export function registerCommands(table: Readonly<Record<string, CommandHandler>>, log: Log): vscode.Disposable {
  const registered = Object.entries(table).map(([id, handler]) =>
    vscode.commands.registerCommand(id, async (first?: unknown, second?: unknown) => {
      log.debug(id);
      try {
        return await handler(uriOf(first), urisOf(second));
      } catch (error) {
        await showError(error, log);
        return undefined;
      }
    }),
  );
  return vscode.Disposable.from(...registered);
}

/** Explorer and editor title give URIs, the tree view its own elements (ModelSummary), which name theirs. */
function uriOf(value: unknown): vscode.Uri | undefined {
  if (value instanceof vscode.Uri) return value;
  const { uri } = (value ?? {}) as { uri?: unknown };
  return typeof uri === "string" ? vscode.Uri.parse(uri) : undefined;
}

function urisOf(value: unknown): readonly vscode.Uri[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const uris = value.map(uriOf).filter((uri) => uri !== undefined);
  return uris.length > 0 ? uris : undefined;
}
