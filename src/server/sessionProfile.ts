import path from "node:path";
import { SigmaQuantError } from "../core/errors.ts";
import { budgetsOf } from "../core/hardware/budgets.ts";
import { parseProfile } from "../core/hardware/parseProfile.ts";
import { parsePlan } from "../core/plan/planFile.ts";
import { loadProfile, presetSource } from "../node/profiles.ts";
import { defaultPlanPath } from "../node/quantizeToFiles.ts";
import { profileNear } from "./defaults.ts";
import type { ActivePlan, ActiveProfile, SessionState } from "./sessionState.ts";
import type { Texts } from "./texts.ts";
import { pathOf, uriOf } from "./uris.ts";
import type { WorkspaceFiles } from "./workspaceFiles.ts";

const presetPrefix = "preset:";

/** Reads the plan beside a model; a text that is no plan is reported, and no plan is in force. */
export async function readActivePlan(
  modelPath: string,
  texts: Texts,
): Promise<{ plan?: ActivePlan; problem?: NonNullable<SessionState["planProblem"]> }> {
  const file = defaultPlanPath(modelPath);
  const uri = uriOf(file);
  try {
    const text = await texts.read(uri);
    return text === undefined || text.trim() === "" ? {} : { plan: { uri, text, plan: parsePlan(text, file) } };
  } catch (error) {
    if (!(error instanceof SigmaQuantError)) throw error;
    const { line } = error.place;
    const message = `${path.basename(file)}: ${error.message}`;
    return { problem: { message, code: error.code, ...(line !== undefined && { line }) } };
  }
}

/**
 * Which profile is in force: what the user chose, else the setting, else what the plan names, else the nearest in the workspace.
 * @returns `preset:<name>` or a path
 */
export function profileChoice(
  chosen: string | undefined,
  setting: string,
  plan: ActivePlan | undefined,
  modelPath: string,
  files: WorkspaceFiles,
  folders: readonly string[],
): string | undefined {
  if (chosen !== undefined) return chosen.startsWith(presetPrefix) ? chosen : pathOf(chosen);
  if (setting !== "") return inWorkspace(setting, folders);
  const named = plan?.plan.profile;
  if (named !== undefined) {
    return named.startsWith(presetPrefix) ? named : path.resolve(path.dirname(modelPath), named);
  }
  return profileNear(modelPath, files);
}

/** A setting's path: absolute, relative to the first workspace folder, or a preset's name. */
export function inWorkspace(setting: string, folders: readonly string[]): string {
  if (setting.startsWith(presetPrefix) || path.isAbsolute(setting)) return setting;
  if (presetSource.presetNames.includes(setting)) return `${presetPrefix}${setting}`;
  return path.resolve(folders[0] ?? ".", setting);
}

/** Reads a profile as it is typed; one with errors is reported with the first of them. */
export async function readActiveProfile(
  choice: string,
  modelPath: string,
  texts: Texts,
): Promise<{ profile?: ActiveProfile; problem?: NonNullable<SessionState["profileProblem"]> }> {
  if (choice.startsWith(presetPrefix)) {
    const { profile, id } = await loadProfile(choice);
    return { profile: { id, ref: id, profile, limits: budgetsOf(profile) } };
  }
  const uri = uriOf(choice);
  const text = await texts.read(uri);
  if (text === undefined) return {};
  const { profile, problems } = parseProfile(text, { file: choice, ...presetSource });
  const problem = problems.find(({ severity }) => severity === "error");
  if (!profile) return problem ? { problem: { ...problem, file: choice } } : {};
  const ref = path.relative(path.dirname(modelPath), choice).replaceAll(path.sep, "/");
  return { profile: { id: uri, uri, ref, profile, limits: budgetsOf(profile) } };
}
