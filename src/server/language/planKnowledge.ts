import path from "node:path";
import { type DecisionGroup, decisionsOf } from "../../core/allocate/decisionGroups.ts";
import { SigmaQuantError } from "../../core/errors.ts";
import { budgetsOf } from "../../core/hardware/budgets.ts";
import { quantizableSites } from "../../core/model/discover.ts";
import { residualGroups } from "../../core/model/residual.ts";
import { loadProfile, presetSource } from "../../node/profiles.ts";
import { planBits } from "../displayed.ts";
import type { ActivePlan, ActiveProfile } from "../sessionState.ts";
import { normalUri, pathOf, uriOf } from "../uris.ts";
import type { WorkspaceFiles } from "../workspaceFiles.ts";
import type { LanguageHost } from "./host.ts";
import { type KnownModel, knownFromPlan, knownFromSession } from "./knownModel.ts";
import { Memo } from "./memo.ts";
import type { ModelFiles } from "./modelFiles.ts";
import { assess, onDevice } from "./onDevice.ts";
import type { FileProblem, JudgedPlan, LayerChoices, PlanContext } from "./planContext.ts";
import { beside, profileOf } from "./planIndex.ts";
import { type PlanText, readPlanText } from "./planText.ts";
import { activeProfile } from "./profileKnowledge.ts";
import { type ProfileText, readProfileText } from "./profileText.ts";
import { Recent } from "./recent.ts";

interface FoundModel {
  readonly known?: KnownModel;
  readonly problem?: FileProblem;
}

interface FoundDevice {
  readonly device?: ActiveProfile;
  readonly uri?: string;
  readonly problem?: FileProblem;
}

/** Finds out what is known for a plan's text: its model, its device, and how its bits do there. */
export class PlanKnowledge {
  private readonly texts = new Memo<PlanText>();
  private readonly saved = new Recent<string | undefined>();
  private readonly profiles = new Memo<ProfileText>();
  private readonly devices = new Memo<ActiveProfile>();
  private readonly judged = new Memo<JudgedPlan | undefined>();
  private readonly contexts = new Memo<PlanContext>();

  constructor(
    private readonly host: LanguageHost,
    private readonly files: ModelFiles,
  ) {}

  async context(uri: string, text: string): Promise<PlanContext> {
    const plan = this.texts.get(uri, [text], () => readPlanText(text));
    const file = pathOf(uri);
    const last = this.contexts.last(uri);
    const before = last?.judged ?? last?.before;
    const beforeIt = before && { before };
    const none = { models: [], profiles: [] };
    if (!plan.plan || file === undefined) {
      const modelUri = file === undefined ? undefined : last?.modelUri;
      return this.contexts.get(uri, [plan, modelUri], () => ({
        uri,
        plan,
        candidates: none,
        ...(modelUri !== undefined && { modelUri }),
        ...beforeIt,
      }));
    }
    const modelPath = beside(file, plan.plan.model);
    const modelUri = uriOf(modelPath);
    const active: ActivePlan = { uri, text, plan: plan.plan };
    const [model, device] = await Promise.all([
      this.model(modelUri, modelPath, active),
      this.device(uri, file, active, modelPath),
    ]);
    const judged = model.known && device.device && this.judge(uri, model.known, device.device, active);
    // What could be meant by a name that is not there follows the files, which are looked for anew after each change on disk.
    const files = model.problem || device.problem ? this.host.files() : undefined;
    const problems = JSON.stringify([model.problem, device.problem]);
    const key = [plan, modelUri, judged, device.uri, device.device, problems, files];
    return this.contexts.get(uri, key, () => ({
      uri,
      plan,
      modelUri,
      candidates: files ? this.candidates(file, files) : none,
      ...(model.problem && { modelProblem: model.problem }),
      ...(device.device && { device: device.device }),
      ...(device.uri !== undefined && { profileUri: device.uri }),
      ...(device.problem && { deviceProblem: device.problem }),
      ...(judged ? { judged } : beforeIt),
    }));
  }

  forget(uri: string): void {
    for (const memo of [this.texts, this.profiles, this.devices, this.judged, this.contexts]) memo.forget(uri);
  }

  /** The open model, else what its file says of it. */
  private async model(uri: string, file: string, plan: ActivePlan): Promise<FoundModel> {
    const name = plan.plan.model;
    const session = this.host.sessions().find((each) => normalUri(each.uri) === normalUri(uri));
    const known = session && knownFromSession(session, plan);
    const result = await this.files.read(file, this.host.files());
    switch (result.kind) {
      case "missing":
        return { problem: { kind: "missing", file: name, detail: "" } };
      case "unreadable":
        return { problem: { kind: "unreadable", file: name, detail: messageOf(result.error) } };
      case "read":
        return { known: known ?? knownFromPlan(uri, file, result.model, plan) };
    }
  }

  private async device(uri: string, file: string, { plan }: ActivePlan, modelPath: string): Promise<FoundDevice> {
    const name = plan.profile;
    const where = profileOf(file, name);
    if (where.startsWith("preset:")) {
      try {
        const { profile, id } = await loadProfile(where);
        const key = [id, modelPath];
        return { device: this.devices.get(uri, key, () => ({ id, ref: id, profile, limits: budgetsOf(profile) })) };
      } catch {
        return { problem: { kind: "missing", file: name, detail: "" } };
      }
    }
    const profileUri = uriOf(where);
    const { texts, files } = this.host;
    const open = texts.open(profileUri)?.getText();
    const text = open ?? (await this.saved.get(where, files(), () => texts.read(profileUri).catch(() => undefined)));
    if (text === undefined) return { uri: profileUri, problem: { kind: "missing", file: name, detail: "" } };
    const read = this.profiles.get(uri, [text, where], () => readProfileText(text, where, presetSource));
    const { profile, problems } = read.parsed;
    if (!profile) {
      const detail = problems.find(({ severity }) => severity === "error")?.message ?? "";
      return { uri: profileUri, problem: { kind: "unreadable", file: name, detail } };
    }
    const device = this.devices.get(uri, [read, modelPath], () => activeProfile(profileUri, where, profile, modelPath));
    return { uri: profileUri, device };
  }

  private judge(uri: string, known: KnownModel, device: ActiveProfile, plan: ActivePlan): JudgedPlan | undefined {
    return this.judged.get(uri, [device, plan.text, known.open, ...known.revision], () => {
      try {
        const model = onDevice(known, device);
        const { prepared } = known;
        const layers = new Map(prepared.discovery.layers.map((layer) => [layer.name, layer]));
        const choices = choicesOf(freeGroups(known, device));
        return { model, assessment: assess(model, planBits(plan.plan)), layers, choices };
      } catch (error) {
        this.host.log(`${uri} could not be judged: ${messageOf(error)}`);
        return undefined;
      }
    });
  }

  private candidates(file: string, { models, profiles }: WorkspaceFiles): PlanContext["candidates"] {
    const relative = (each: string) => path.relative(path.dirname(file), each).replaceAll(path.sep, "/");
    return {
      models: models.map(relative),
      profiles: [...profiles.map(relative), ...presetSource.presetNames.map((name) => `preset:${name}`)],
    };
  }
}

/** Layers that are decided together, as if none were pinned. */
function freeGroups({ prepared }: KnownModel, { profile }: ActiveProfile): readonly DecisionGroup[] {
  const { discovery, model } = prepared;
  const { residual, groups } = profile.sharedBits;
  const tied = residual ? residualGroups(model.graph, quantizableSites(discovery)) : [];
  return decisionsOf(discovery.layers, profile, undefined, new Map(), [...groups, ...tied]).groups;
}

function choicesOf(groups: readonly DecisionGroup[]): (layer: string) => LayerChoices {
  const byLayer = new Map(
    groups.flatMap(({ layers, bits }) => layers.map((name): [string, LayerChoices] => [name, { bits, tied: layers }])),
  );
  return (layer) => byLayer.get(layer) ?? { bits: [], tied: [layer] };
}

function messageOf(error: unknown): string {
  if (error instanceof SigmaQuantError) return `${error.message} [${error.code}]`;
  return error instanceof Error ? error.message : String(error);
}
