import type * as vscode from "vscode";
import { tellActiveModel } from "./activeModel.ts";
import { commandTable } from "./commands.ts";
import { registerCommands } from "./commandTable.ts";
import { keepContextKeys } from "./contextKeys.ts";
import { DevicesPanels } from "./devicesPanels.ts";
import { showError } from "./errors.ts";
import { registerLanguageCommands } from "./languageCommands.ts";
import { showDefinedLayers } from "./layerDefinitions.ts";
import { createLog } from "./log.ts";
import { ChoicesStore } from "./modelChoices.ts";
import { ModelEditors } from "./modelEditor.ts";
import { ModelLenses } from "./modelLenses.ts";
import { ModelsTree } from "./modelsTree.ts";
import { ModelTexts } from "./modelTexts.ts";
import { registerPresetTexts } from "./presetTexts.ts";
import { registerSchemas } from "./schemas.ts";
import { ServerConnection } from "./server.ts";
import { tellServerDown } from "./serverDown.ts";
import { createStatusBar } from "./statusBar.ts";

/** Wiring only: what each part does is in its own file. */
export function activate(context: vscode.ExtensionContext): void {
  const log = createLog();
  const server = new ServerConnection(context, log);
  const choices = new ChoicesStore(context.workspaceState);
  const editors = new ModelEditors(context.extensionUri, server, choices, log);
  const devices = new DevicesPanels(context.extensionUri, server, choices, editors, log);
  const parts = { server, choices, editors, devices, log };
  context.subscriptions.push(
    log,
    server,
    editors,
    devices,
    new ModelsTree(server),
    new ModelTexts(server, editors),
    new ModelLenses(server),
    createStatusBar(editors),
    keepContextKeys(editors),
    tellActiveModel(editors, server),
    tellServerDown(server, log),
    showDefinedLayers(editors, server),
    registerSchemas(context.extensionUri),
    registerPresetTexts(server),
    registerCommands(commandTable(parts), log),
    registerLanguageCommands(parts),
  );
  // Not waited for: requests wait by themselves, and an editor's page can be built meanwhile.
  server.start().catch((error) => showError(error, log));
}
