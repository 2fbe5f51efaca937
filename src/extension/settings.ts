import * as vscode from "vscode";
import { defaultRecovery, parseRecovery } from "../core/recovery/methods.ts";
import type { ServerSettings } from "../protocol/requests.ts";

const section = "sigmaquant";

/** The extension's settings, as the server takes them; defaults and descriptions are in package.json. */
export function readSettings(): ServerSettings {
  const settings = vscode.workspace.getConfiguration(section);
  const get = <T>(name: string, fallback: T): T => settings.get<T>(name) ?? fallback;
  return {
    profile: get("profile", ""),
    calibration: get("calibrationSet", ""),
    evaluation: get("evaluationSet", ""),
    bits: get("candidateBits", [2, 3, 4, 6, 8]),
    strategy: get("strategy", "sigmaquant"),
    dims: get("dimensions", {}),
    inputs: inputsOf(get("inputs", {})),
    threads: get("threads", 0),
    analysisMemory: get("analysisMemory", 0),
    samples: get("sensitivitySamples", 256),
    recovery: recoveryOf(get("recovery", "default")),
    queueUrl: get("queueUrl", ""),
  };
}

/** Whether code that names a model has a lens above it. */
export function showsModelLenses({ uri }: vscode.TextDocument): boolean {
  const settings = vscode.workspace.getConfiguration(section, uri);
  const get = <T>(name: string, fallback: T): T => settings.get<T>(name) ?? fallback;
  return get("modelCodeLens", true);
}

/** Values by input: a number or truth value for all elements, or a list of them. What else is written there is passed over. */
function inputsOf(values: Readonly<Record<string, unknown>>): ServerSettings["inputs"] {
  const entries = Object.entries(values).flatMap(([name, value]) => {
    const list: readonly unknown[] = Array.isArray(value) ? value : [value];
    const numbers = list.flatMap((each) =>
      typeof each === "number" || typeof each === "boolean" ? [Number(each)] : [],
    );
    return numbers.length === list.length && numbers.length > 0 ? [[name, numbers] as const] : [];
  });
  return Object.fromEntries(entries);
}

/** The methods that a text names; the default where it is malformed, which the settings editor marks. */
function recoveryOf(text: string): ServerSettings["recovery"] {
  try {
    return [...parseRecovery(text)];
  } catch {
    return [...defaultRecovery];
  }
}

/** Calls back with the new settings whenever one of ours changes. */
export function onSettings(listener: (settings: ServerSettings) => void): vscode.Disposable {
  return vscode.workspace.onDidChangeConfiguration((event) => {
    if (event.affectsConfiguration(section)) listener(readSettings());
  });
}
