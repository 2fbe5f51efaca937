import * as vscode from "vscode";
import { assertNever } from "../core/errors.ts";
import type { EditorSnapshot, FromPage, PageCommand, ToPage } from "../protocol/editor.ts";
import { type ModelChoices, type PlanEdit, requests } from "../protocol/requests.ts";
import type { ChoicesStore } from "./modelChoices.ts";
import type { ServerConnection } from "./server.ts";
import { applyTextChange } from "./textChange.ts";

export interface PageContext {
  readonly uri: vscode.Uri;
  readonly snapshot: EditorSnapshot | undefined;
  readonly post: (message: ToPage) => void;
  readonly server: ServerConnection;
  readonly choices: ChoicesStore;
}

/** Such a message changes the plan's text, and builds on what the one before it has made of it. */
export function editsPlan({ type }: FromPage): boolean {
  return type === "setBits" || type === "setPinned" || type === "resetBits" || type === "choosePareto";
}

/** Carries out what a page asks for. A page names one of these actions, never a command of VS Code. */
export async function runPageMessage(
  message: Exclude<FromPage, { type: "ready" }>,
  context: PageContext,
): Promise<void> {
  const { server, choices } = context;
  const uri = context.uri.toString();
  const choose = async (choice: ModelChoices) => {
    await server.request(requests.setChoices, { uri, choices: await choices.set(uri, choice) });
  };
  const editPlan = async (edit: PlanEdit) => {
    await applyTextChange(await server.request(requests.editPlan, { uri, edit }));
  };
  switch (message.type) {
    case "command":
      await vscode.commands.executeCommand(commandOf[message.command], context.uri);
      return;
    case "openFile": {
      const file = context.snapshot?.comparison?.files[message.index];
      if (file) await vscode.commands.executeCommand("vscode.open", vscode.Uri.file(file.path));
      return;
    }
    case "selectProfile":
      return choose({ profile: message.id });
    case "selectCalibration":
      return choose({ calibration: message.id });
    case "selectStrategy":
      return choose({ strategy: message.strategy });
    case "setMaxDrop":
      return choose({ dropLimit: message.maxDrop === null ? null : { points: message.maxDrop * 100 } });
    case "tryBudget":
      return server.request(requests.tryBudget, { uri, resource: message.resource, limit: message.limit });
    case "applyRemedy": {
      const change = await server.request(requests.applyRemedy, { uri, index: message.index });
      if (change) await applyTextChange(change);
      return;
    }
    case "setBits":
      return editPlan({ kind: "setBits", layers: message.layers, bits: message.bits });
    case "setPinned":
      return editPlan({ kind: "setPinned", layers: message.layers, pinned: message.pinned });
    case "resetBits":
      return editPlan({ kind: "resetBits", layers: message.layers });
    case "choosePareto":
      return editPlan({ kind: "choosePareto", index: message.index });
    case "askHistogram":
      context.post({
        type: "histogram",
        histogram: await server.request(requests.histogram, { uri, layer: message.layer }),
      });
      return;
    case "openPlanAt": {
      const { uri: planUri, line } = await server.request(requests.planLine, { uri, layer: message.layer });
      await applyTextChange(await server.request(requests.planText, { uri }));
      const selection = new vscode.Range(line, 0, line, 0);
      await vscode.window.showTextDocument(vscode.Uri.parse(planUri), { selection });
      return;
    }
    case "copy":
      return vscode.env.clipboard.writeText(message.text);
    default:
      assertNever(message);
  }
}

/** The command of the extension, or of VS Code, behind each command of the page. */
const commandOf: Readonly<Record<PageCommand, string>> = {
  analyze: "sigmaquant.analyze",
  resume: "sigmaquant.analyze",
  retry: "sigmaquant.reopen",
  cancel: "sigmaquant.cancel",
  quantize: "sigmaquant.quantize",
  openPlan: "sigmaquant.openPlan",
  exportReport: "sigmaquant.exportReport",
  exportCsv: "sigmaquant.exportCsv",
  exportModelExplorer: "sigmaquant.exportModelExplorer",
  newProfile: "sigmaquant.newProfile",
  editProfile: "sigmaquant.editProfile",
  writeToProfile: "sigmaquant.writeToProfile",
  resetWhatIf: "sigmaquant.resetWhatIf",
  reallocate: "sigmaquant.reallocate",
  resetAllBits: "sigmaquant.resetAllBits",
  chooseCalibration: "sigmaquant.chooseCalibration",
  chooseEvaluation: "sigmaquant.chooseEvaluation",
  chooseProfile: "sigmaquant.chooseProfile",
  compareDevices: "sigmaquant.compareDevices",
  manageTrust: "workbench.trust.manage",
  showLog: "sigmaquant.showLog",
  openAsText: "sigmaquant.openAsText",
  openHex: "sigmaquant.openHex",
  openReport: "sigmaquant.openReport",
};
