import { budgetsOf } from "../../core/hardware/budgets.ts";
import { parseProfile } from "../../core/hardware/parseProfile.ts";
import type { HardwareProfile } from "../../core/hardware/profile.ts";
import { loadProfile, presetSource } from "../../node/profiles.ts";
import type { ComparedDevice, Problem } from "../../protocol/devices.ts";
import { activeProfile } from "../language/profileKnowledge.ts";
import { failureOf } from "../sessionErrors.ts";
import type { ActiveProfile } from "../sessionState.ts";
import type { Texts } from "../texts.ts";
import { pathOf } from "../uris.ts";
import { profileLabel } from "./modelOnDevices.ts";

interface Read {
  readonly text: string;
  readonly profile: HardwareProfile | undefined;
  readonly problem: Problem | undefined;
}

/** The devices of a comparison, by their profiles as they are typed. A slip while typing keeps the device as it was before. */
export class DeviceList {
  private ids: readonly string[] = [];
  private readonly read = new Map<string, Read>();

  constructor(private readonly texts: Texts) {}

  get all(): readonly string[] {
    return this.ids;
  }

  /** @param ids `preset:<name>`, or URIs of profiles */
  set(ids: readonly string[]): void {
    this.ids = [...new Set(ids)];
  }

  /** Reads the profiles again. True when one of them is another than before. */
  async refresh(): Promise<boolean> {
    const before = this.ids.map((id) => this.read.get(id));
    for (const id of this.ids) this.read.set(id, await this.readOne(id));
    return this.ids.some((id, i) => this.read.get(id) !== before[i]);
  }

  /** The device for a model, which refers to it from where it lies; undefined where the profile can't be used. */
  for(id: string, modelPath: string): ActiveProfile | undefined {
    const profile = this.read.get(id)?.profile;
    if (!profile) return undefined;
    const file = pathOf(id);
    if (file !== undefined) return activeProfile(id, file, profile, modelPath);
    return { id, ref: id, profile, limits: budgetsOf(profile) };
  }

  problemOf(id: string): Problem | undefined {
    return this.read.get(id)?.problem;
  }

  nameOf(id: string): string {
    return this.read.get(id)?.profile?.name ?? profileLabel(id);
  }

  /** Every bitwidth that one of them has. */
  get weightBits(): HardwareProfile["weightBits"] {
    return this.ids.flatMap((id) => this.read.get(id)?.profile?.weightBits ?? []);
  }

  shown(): readonly ComparedDevice[] {
    return this.ids.map((id) => {
      const problem = this.problemOf(id);
      return {
        id,
        name: this.nameOf(id),
        kind: id.startsWith("preset:") ? "preset" : "workspace",
        weightBits: this.read.get(id)?.profile?.weightBits ?? [],
        ...(problem && { problem }),
      };
    });
  }

  private async readOne(id: string): Promise<Read> {
    const before = this.read.get(id);
    try {
      if (id.startsWith("preset:"))
        return before ?? { text: "", profile: (await loadProfile(id)).profile, problem: undefined };
      const text = await this.texts.read(id);
      if (text === undefined) {
        const problem = { message: "The profile is not there any more", code: "SQ1001" };
        return before?.problem?.code === problem.code ? before : { text: "", profile: undefined, problem };
      }
      if (before?.text === text && before.problem?.code !== "SQ1001") return before;
      const { profile, problems } = parseProfile(text, { file: pathOf(id) ?? id, ...presetSource });
      const error = problems.find(({ severity }) => severity === "error");
      const problem = error && { message: `Line ${error.line}: ${error.message}`, code: error.code };
      return { text, profile: profile ?? before?.profile, problem };
    } catch (error) {
      return { text: "", profile: undefined, problem: failureOf(error) };
    }
  }
}
