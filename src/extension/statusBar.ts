import * as vscode from "vscode";
import type { ModelEditors } from "./modelEditor.ts";

/** Device and verdict of the active model; gone while no model is active. */
export function createStatusBar(editors: ModelEditors): vscode.Disposable {
  const device = vscode.window.createStatusBarItem("sigmaquant.device", vscode.StatusBarAlignment.Right, 90);
  device.name = vscode.l10n.t("SigmaQuant Device");
  device.command = "sigmaquant.chooseProfile";
  const verdict = vscode.window.createStatusBarItem("sigmaquant.verdict", vscode.StatusBarAlignment.Right, 89);
  verdict.name = vscode.l10n.t("SigmaQuant Verdict");
  verdict.command = "sigmaquant.openPlan";
  const update = () => {
    const snapshot = editors.activeModel?.snapshot;
    if (!snapshot || snapshot.fatal) {
      device.hide();
      verdict.hide();
      return;
    }
    device.text = `$(chip) ${snapshot.profile?.name ?? vscode.l10n.t("Choose a device")}`;
    device.tooltip = vscode.l10n.t("Device that {0} is quantized for", snapshot.fileName);
    device.show();
    const found = snapshot.verdict;
    if (!found) {
      verdict.hide();
      return;
    }
    verdict.text = `${found.verdict === "feasible" ? "$(pass)" : "$(error)"} ${found.headline}`;
    verdict.tooltip = found.detail;
    verdict.show();
  };
  const listener = editors.onChange(update);
  return vscode.Disposable.from(device, verdict, listener);
}
