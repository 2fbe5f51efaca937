import { existsSync } from "node:fs";
import path from "node:path";
import { SigmaQuantError, sentences } from "../core/errors.ts";
import { budgetsOf } from "../core/hardware/budgets.ts";
import { parseProfile } from "../core/hardware/parseProfile.ts";
import { parsePlan } from "../core/plan/planFile.ts";
import { fileError } from "../node/errors.ts";
import { loadProfile, presetSource } from "../node/profiles.ts";
import { defaultPlanPath } from "../node/quantizeToFiles.ts";
import { profileNear } from "./defaults.ts";
import type { SessionHost } from "./sessionHost.ts";
import type { ActivePlan, ActiveProfile, SessionState } from "./sessionState.ts";
import type { Texts } from "./texts.ts";
import { pathOf, uriOf } from "./uris.ts";
import { folderOf, type WorkspaceFiles } from "./workspaceFiles.ts";

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

/** Takes the plan and the profile in force into a session's state, and what is wrong with them. */
export async function readTexts(modelPath: string, state: SessionState, host: SessionHost): Promise<void> {
  const { plan, problem: planProblem } = await readActivePlan(modelPath, host.texts);
  const setting = host.settings().profile;
  const chosen = state.choices.profile;
  const choice = profileChoice(chosen, setting, plan, modelPath, host.files(), host.folders());
  // A setting stands where it is not seen; of what was chosen here the list shows that it is gone.
  const asked = chosen === undefined && setting !== "";
  const { profile, problem, gone } =
    choice === undefined ? {} : await readActiveProfile(choice, modelPath, host.texts, asked);
  delete state.plan;
  delete state.planProblem;
  delete state.profileProblem;
  if (plan) state.plan = plan;
  if (planProblem) state.planProblem = planProblem;
  if (problem) state.profileProblem = problem;
  // A slip while typing keeps the device as it was; a profile that is gone takes it away.
  if (profile) state.profile = profile;
  else if (!problem || gone) delete state.profile;
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
  if (setting !== "") {
    const file = inWorkspace(setting, folders, modelPath);
    // A bare word that is no file is a misspelled preset.
    return /^[\w-]+$/.test(setting) && !existsSync(file) ? `${presetPrefix}${setting}` : file;
  }
  const named = plan?.plan.profile;
  if (named !== undefined) {
    return named.startsWith(presetPrefix) ? named : path.resolve(path.dirname(modelPath), named);
  }
  return profileNear(modelPath, files);
}

/**
 * A setting's path: absolute, a preset's name, or relative to a folder of the workspace: the model's own, else the first that has it.
 * Where none has it, as it would be in the first of them.
 */
export function inWorkspace(setting: string, folders: readonly string[], modelPath: string): string {
  if (setting.startsWith(presetPrefix) || path.isAbsolute(setting)) return setting;
  if (presetSource.presetNames.includes(setting)) return `${presetPrefix}${setting}`;
  const own = folderOf(modelPath, folders);
  const places = [...(own === undefined ? [] : [own]), ...folders].map((folder) => path.resolve(folder, setting));
  return places.find((place) => existsSync(place)) ?? places[0] ?? path.resolve(setting);
}

/** What a profile's text says; with neither, there is no such file, and nobody asked for it. */
export interface ProfileReading {
  readonly profile?: ActiveProfile;
  readonly problem?: NonNullable<SessionState["profileProblem"]>;
  /** The problem is that there is no such profile, and no slip in its text. */
  readonly gone?: boolean;
}

/**
 * Reads a profile as it is typed; one with errors is reported with the first of them.
 * @param asked a file that does not exist is a problem, too
 */
export async function readActiveProfile(
  choice: string,
  modelPath: string,
  texts: Texts,
  asked: boolean,
): Promise<ProfileReading> {
  try {
    return choice.startsWith(presetPrefix) ? await readPreset(choice) : await readFile(choice, modelPath, texts, asked);
  } catch (error) {
    if (!(error instanceof SigmaQuantError)) throw error;
    const { code, message, remedy } = error;
    const file = choice.startsWith(presetPrefix) ? {} : { file: choice };
    return { problem: { code, message: sentences(message, remedy), ...file }, gone: true };
  }
}

async function readPreset(choice: string): Promise<ProfileReading> {
  const { profile, id } = await loadProfile(choice);
  return { profile: { id, ref: id, profile, limits: budgetsOf(profile) } };
}

async function readFile(choice: string, modelPath: string, texts: Texts, asked: boolean): Promise<ProfileReading> {
  const uri = uriOf(choice);
  const text = await texts.read(uri);
  if (text === undefined) {
    if (!asked) return {};
    throw fileError("notFound", "There is no such file, which the setting sigmaquant.profile names", { file: choice });
  }
  const { profile, problems } = parseProfile(text, { file: choice, ...presetSource });
  const problem = problems.find(({ severity }) => severity === "error");
  if (!profile) {
    if (!problem) return {};
    const { message, code, line } = problem;
    return { problem: { message, code, line, file: choice } };
  }
  const ref = path.relative(path.dirname(modelPath), choice).replaceAll(path.sep, "/");
  return { profile: { id: uri, uri, ref, profile, limits: budgetsOf(profile) } };
}
