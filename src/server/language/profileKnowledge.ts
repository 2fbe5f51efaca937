import path from "node:path";
import { budgetsOf } from "../../core/hardware/budgets.ts";
import type { HardwareProfile } from "../../core/hardware/profile.ts";
import { presetSource } from "../../node/profiles.ts";
import type { ActiveProfile } from "../sessionState.ts";
import { normalUri, pathOf, uriOf } from "../uris.ts";
import type { LanguageHost } from "./host.ts";
import { type KnownModel, knownFromPlan, knownFromSession } from "./knownModel.ts";
import { Memo } from "./memo.ts";
import type { ModelFiles } from "./modelFiles.ts";
import { onDevice, shownOn } from "./onDevice.ts";
import type { PlanIndex } from "./planIndex.ts";
import type { ProfileContext, ShownModel } from "./profileContext.ts";
import { type ProfileText, readProfileText } from "./profileText.ts";

/** Models that a profile is looked at for: each is allocated anew as one types. */
const maxModels = 8;

/** Finds out what is known for a profile's text: which models use it, and how they do on it. */
export class ProfileKnowledge {
  private readonly texts = new Memo<ProfileText>();
  private readonly shown = new Memo<ShownModel | undefined>();
  private readonly contexts = new Memo<ProfileContext>();

  constructor(
    private readonly host: LanguageHost,
    private readonly files: ModelFiles,
    private readonly plans: PlanIndex,
  ) {}

  async context(uri: string, text: string): Promise<ProfileContext> {
    const file = pathOf(uri);
    const profile = this.texts.get(uri, [text], () => readProfileText(text, file ?? uri, presetSource));
    const device = profile.parsed.profile;
    if (!device) {
      // A slip while typing keeps what was shown before it.
      const models = this.contexts.last(uri)?.models ?? [];
      return this.contexts.get(uri, [profile], () => ({ uri, profile, models }));
    }
    const known = file === undefined ? [] : await this.modelsOf(uri, file);
    const models = known.flatMap(({ model, inForce }) => this.show(uri, file ?? "", device, model, inForce) ?? []);
    return this.contexts.get(uri, [profile, ...models], () => ({ uri, profile, models }));
  }

  forget(uri: string): void {
    for (const memo of [this.texts, this.shown, this.contexts]) memo.forget(uri);
  }

  private show(
    uri: string,
    file: string,
    device: HardwareProfile,
    model: KnownModel,
    inForce: boolean,
  ): ShownModel | undefined {
    return this.shown.get(`${uri}\n${model.uri}`, [device, inForce, model.open, ...model.revision], () => {
      try {
        const fitted = onDevice(model, activeProfile(uri, file, device, model.path));
        return { model: fitted, shown: shownOn(fitted), inForce };
      } catch (error) {
        this.host.log(
          `${model.fileName} could not be laid on ${file}: ${error instanceof Error ? error.message : error}`,
        );
        return undefined;
      }
    });
  }

  /** Open models whose device it is, then those whose plans name it; where there are none, the open models all the same. */
  private async modelsOf(
    uri: string,
    file: string,
  ): Promise<readonly { readonly model: KnownModel; readonly inForce: boolean }[]> {
    const sessions = this.host.sessions();
    const own = sessions.filter(
      ({ state }) => state.profile?.uri !== undefined && normalUri(state.profile.uri) === normalUri(uri),
    );
    const open = own.flatMap((session) => knownFromSession(session) ?? []);
    const openPaths = new Set(sessions.map((session) => session.path));
    const planned = (await this.plans.all()).filter(
      ({ profile, modelPath }) => profile === file && !openPaths.has(modelPath),
    );
    const closed = await Promise.all(
      planned.slice(0, maxModels).map(async ({ plan, modelPath }) => {
        const result = await this.files.read(modelPath, this.host.files());
        return result.kind === "read" ? knownFromPlan(uriOf(modelPath), modelPath, result.model, plan) : undefined;
      }),
    );
    const inForce = [...open, ...closed.flatMap((model) => model ?? [])].slice(0, maxModels);
    if (inForce.length > 0) return inForce.map((model) => ({ model, inForce: true }));
    const others = sessions.flatMap((session) => knownFromSession(session) ?? []);
    return others.slice(0, maxModels).map((model) => ({ model, inForce: false }));
  }
}

/** A profile as it is in force for a model. @param file its path */
export function activeProfile(uri: string, file: string, profile: HardwareProfile, modelPath: string): ActiveProfile {
  const ref = path.relative(path.dirname(modelPath), file).replaceAll(path.sep, "/");
  return { id: uri, uri, ref, profile, limits: budgetsOf(profile) };
}
