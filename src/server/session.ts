import path from "node:path";
import { SigmaQuantError } from "../core/errors.ts";
import type { Resource } from "../core/hardware/profile.ts";
import type { EditorSnapshot, WeightHistogram } from "../protocol/editor.ts";
import type { ModelChoices, PlanEdit, QuantizeParams, QuantizeResult, TextChange } from "../protocol/requests.ts";
import type { Displayed } from "./displayed.ts";
import { histogramOf } from "./histogram.ts";
import { maxDropInForce, strategyInForce } from "./inForce.ts";
import { Outlook } from "./outlook.ts";
import { Publisher } from "./publisher.ts";
import type { SessionHost } from "./sessionHost.ts";
import { SessionJobs } from "./sessionJobs.ts";
import { readTexts } from "./sessionProfile.ts";
import { newState, type SessionState } from "./sessionState.ts";
import { slotsOf, snapshotOf } from "./snapshot.ts";

/** One open model: what is asked of it and tried with it, what follows from that, and what its page is told after every change. */
export class ModelSession {
  readonly state: SessionState;
  private readonly jobs: SessionJobs;
  private readonly outlook: Outlook;
  private readonly publisher: Publisher;
  /**
   * Starts at the clock: snapshots of a session that is opened again, or in a server after this one, are newer than those before. Within
   * a process it never goes back, whatever is done to the machine's clock.
   */
  private sequence = Math.floor(performance.timeOrigin + performance.now());
  private reading: Promise<void> = Promise.resolve();
  private readonly opened: Promise<void>;
  private tellOpened: () => void = () => undefined;

  /** @param restarted the server before this one died: what it had kept is told, and nothing is run without being asked */
  constructor(
    readonly uri: string,
    readonly path: string,
    choices: ModelChoices,
    private readonly host: SessionHost,
    restarted: boolean,
  ) {
    this.state = newState(fileNameOf(path), choices);
    this.opened = new Promise((resolve) => {
      this.tellOpened = resolve;
    });
    this.outlook = new Outlook(this.state, host.settings);
    this.publisher = new Publisher(this.state, () => host.publish(uri, this.snapshot()));
    const changes = {
      refresh: () => this.refresh(),
      publish: () => this.publisher.publish(),
      textsChanged: () => this.textsChanged(),
    };
    this.jobs = new SessionJobs(path, this.state, host, changes, restarted);
  }

  /** Opens the file; what needs time goes on in the background and is published as it comes. */
  async open(): Promise<EditorSnapshot> {
    await this.jobs.open();
    // With the next job at work: whoever waits for what it finds does not take the pause for the end.
    this.tellOpened();
    return this.snapshot();
  }

  async close(): Promise<void> {
    this.publisher.close();
    await this.jobs.close();
  }

  async setChoices(choices: ModelChoices): Promise<void> {
    const before = this.state.choices;
    this.state.choices = choices;
    if (choices.profile !== before.profile) this.state.whatIf.clear();
    await this.textsChanged();
    if (choices.calibration === before.calibration && choices.evaluation === before.evaluation) return;
    await this.reopen();
  }

  /** Settings changed that no figures depend on: which device it is, and which samples. */
  async settingsChanged(): Promise<void> {
    await this.textsChanged();
    await this.setsChanged([]);
  }

  /** Texts that the session depends on may have changed: profile, plan, or which of them are there. */
  textsChanged(): Promise<void> {
    // One look after the other: an earlier one that takes longer would have the last word.
    this.reading = this.reading.catch(() => undefined).then(() => this.readTexts());
    return this.reading;
  }

  // Jobs -------------------------------------------------------------------------------------------------------------

  /** The model's file may have been changed on disk. */
  fileChanged(): Promise<void> {
    return this.jobs.fileChanged();
  }

  /** Sample sets came or went, or one of them was written. @param written paths of those */
  setsChanged(written: readonly string[]): Promise<void> {
    return this.jobs.setsChanged(written);
  }

  /** Trust or the assumed dimensions changed: what was run is run anew, what is cached is taken. */
  reopen(): Promise<void> {
    return this.jobs.reopen();
  }

  /** Measures what is not measured yet, and decides. */
  analyze(): Promise<void> {
    return this.jobs.analyze();
  }

  cancel(): void {
    this.jobs.cancel();
  }

  /** @throws SQ1103 in Restricted Mode, SQ5302 without a device, the runtime's error where there is none, what the run throws */
  quantize(params: QuantizeParams, signal: AbortSignal): Promise<QuantizeResult> {
    return this.jobs.quantize(params, signal);
  }

  /** Resolves when bits can be told, or nothing is at work that would bring them. */
  known(): Promise<void> {
    return this.when(() => this.view !== undefined);
  }

  // What is shown ----------------------------------------------------------------------------------------------------

  /** What is shown at the moment, for exports and the workspace's list. */
  get view(): Displayed | undefined {
    return this.outlook.displayed;
  }

  snapshot(): EditorSnapshot {
    const { settings, trusted, profiles, sampleSets } = this.host;
    const maxDrop = maxDropInForce(this.state);
    return snapshotOf(++this.sequence, this.state, this.outlook.displayed, {
      trusted: trusted(),
      profiles: profiles(),
      sampleSets: sampleSets(),
      bits: settings().bits,
      strategy: strategyInForce(this.state, settings()),
      ...(maxDrop !== undefined && { maxDrop }),
      now: Date.now(),
    });
  }

  async histogram(layer: string): Promise<WeightHistogram> {
    // A page that comes back with the window asks for it at once.
    await this.when(() => this.state.prepared !== undefined);
    const { prepared } = this.state;
    const site = prepared?.discovery.sites.get(layer);
    if (!prepared || !site) {
      throw new SigmaQuantError("SQ5001", "unknown-layer", `The model has no layer ${layer}`, {
        remedy: "Choose one of the layers shown",
      });
    }
    return histogramOf(prepared.model.tensors, site, slotsOf(this.state, this.host.settings().bits));
  }

  async editPlan(edit: PlanEdit): Promise<TextChange> {
    // The edit before this one is in the text already, and perhaps not yet in what is shown.
    await this.textsChanged();
    return this.outlook.edited(edit, this.host.planUri(this.path));
  }

  planText(): TextChange {
    return this.outlook.plan(this.host.planUri(this.path));
  }

  tryBudget(resource: Resource, limit: number | null | undefined): void {
    this.tryBudgets(new Map([[resource, limit]]));
  }

  /** @param limits null = none, undefined = the profile's */
  tryBudgets(limits: ReadonlyMap<Resource, number | null | undefined>): void {
    const { whatIf, profile } = this.state;
    for (const [resource, limit] of limits) {
      const isProfiles = (limit ?? undefined) === profile?.limits[resource];
      if (limit === undefined || isProfiles) whatIf.delete(resource);
      else whatIf.set(resource, limit);
    }
    this.refresh();
  }

  resetWhatIf(): void {
    this.state.whatIf.clear();
    this.refresh();
  }

  private async readTexts(): Promise<void> {
    await readTexts(this.path, this.state, this.host);
    this.refresh();
    this.jobs.decideSoon();
  }

  /** Resolves when something is known, or nothing is at work that would tell it. */
  private async when(isKnown: () => boolean): Promise<void> {
    await this.opened;
    while (!isKnown() && this.jobs.busy) await this.publisher.change();
  }

  private refresh(): void {
    const before = this.view?.verdict.headline;
    this.outlook.refresh();
    if (this.view?.verdict.headline !== before) this.host.verdictChanged();
    this.publisher.publish();
  }
}

function fileNameOf(file: string): string {
  return path.basename(file);
}
