import type * as vscode from "vscode";
import { commandTable } from "./commands.ts";
import { registerCommands } from "./commandTable.ts";
import { createLog } from "./log.ts";
import { ChoicesStore } from "./modelChoices.ts";
import { ModelEditors } from "./modelEditor.ts";
import { ModelsTree } from "./modelsTree.ts";
import { registerSchemas } from "./schemas.ts";
import { ServerConnection } from "./server.ts";
import { createStatusBar } from "./statusBar.ts";

/** Wiring only: what each part does is in its own file. */
export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const log = createLog();
  const server = new ServerConnection(context, log);
  const choices = new ChoicesStore(context.workspaceState);
  const editors = new ModelEditors(context.extensionUri, server, choices, log);
  context.subscriptions.push(
    log,
    server,
    editors,
    new ModelsTree(server),
    createStatusBar(editors),
    registerSchemas(context.extensionUri),
    registerCommands(commandTable({ server, choices, editors, log }), log),
  );
  await server.start();
}
