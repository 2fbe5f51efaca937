import { setImmediate } from "node:timers/promises";
import { allBits } from "../../core/hardware/bitPairs.ts";
import { matrixCsv } from "../../core/plan/matrixCsv.ts";
import { EngineClient } from "../../node/engineClient.ts";
import type { DeviceRow, DevicesSnapshot, Problem, RowRef } from "../../protocol/devices.ts";
import { type CancelReason, JobQueue } from "../jobQueue.ts";
import { runtimeProblem } from "../runtime.ts";
import { failureOf } from "../sessionErrors.ts";
import type { SessionHost } from "../sessionHost.ts";
import { pathOf } from "../uris.ts";
import { DeviceList } from "./deviceList.ts";
import { devicesSnapshot, type RowWork } from "./devicesSnapshot.ts";
import { ModelOnDevices, type Working } from "./modelOnDevices.ts";
import { Rows } from "./rows.ts";
import type { RunCache } from "./runCache.ts";

/** Snapshots follow one another at most this often; what happens in between is in the next one. */
const publishEveryMs = 40;

/** What is compared, with what a person chose for each model. */
export interface Compared {
  readonly models: readonly { readonly uri: string; readonly choices: ModelOnDevices["state"]["choices"] }[];
  readonly profiles: readonly string[];
}

/** A comparison that a page shows: measures what is missing, decides for each device, and tells the page after every step. */
export class DeviceComparison {
  private readonly devices: DeviceList;
  private models: readonly ModelOnDevices[] = [];
  private readonly rows = new Rows();
  private readonly jobs: JobQueue<"compare">;
  private work: RowWork | undefined;
  private failure: Problem | undefined;
  /** Starts at the clock: a comparison that is asked for again is newer than it was before. */
  private sequence = Math.floor(performance.timeOrigin + performance.now());
  private publishTimer: NodeJS.Timeout | undefined;
  private refreshing: Promise<void> | undefined;
  private refreshAgain = false;
  private closed = false;

  constructor(
    private readonly host: SessionHost,
    private readonly cache: RunCache,
    private readonly publishSnapshot: (snapshot: DevicesSnapshot) => void,
  ) {
    this.devices = new DeviceList(host.texts);
    this.jobs = new JobQueue(
      (_, error, cancelled) => this.failed(error, cancelled),
      () => {
        this.work = undefined;
        this.publish();
      },
    );
  }

  /** Changes what is compared; what is known of models and devices that stay is kept, and nothing is run for the same once more. */
  async set({ models, profiles }: Compared): Promise<DevicesSnapshot> {
    const devicesBefore = this.devices.all;
    this.devices.set(profiles);
    await this.devices.refresh();
    const host = { ...this.host, settings: () => ({ ...this.host.settings(), bits: this.bits() }) };
    const before = new Map(this.models.map((model) => [model.uri, model]));
    let isNew = this.devices.all.some((id) => !devicesBefore.includes(id));
    this.models = [...new Map(models.map((model) => [model.uri, model])).values()].flatMap(({ uri, choices }) => {
      const known = before.get(uri);
      before.delete(uri);
      if (known) {
        if (known.choose(choices)) isNew = true;
        return [known];
      }
      const file = pathOf(uri);
      if (file === undefined) return [];
      isNew = true;
      return [new ModelOnDevices(uri, file, choices, host, this.cache)];
    });
    await Promise.all([...before.values()].map((gone) => gone.close()));
    await Promise.all(this.models.map((model) => model.readTexts()));
    await this.refresh();
    if (isNew) void this.start();
    return this.snapshot();
  }

  /** Decides and runs every plan that is not yet; resolves when done or cancelled. */
  async run(): Promise<void> {
    for (const model of this.models) model.failures.clear();
    await this.startOver(true);
  }

  cancel(): void {
    this.jobs.cancel("cancelled");
  }

  /** Profiles or plans were typed in: figures follow, and what was run for other figures counts no more. */
  async textsChanged(): Promise<void> {
    const changed = await this.devices.refresh();
    await Promise.all(this.models.map((model) => model.readTexts()));
    await this.refresh();
    if (changed) this.publish();
  }

  /** Files came, changed or went. @param written their paths */
  async filesChanged(written: readonly string[]): Promise<void> {
    const outdated = await Promise.all(this.models.map((model) => model.outdated(written)));
    await this.textsChanged();
    if (outdated.includes(true)) await this.reopen(this.models.filter((_, i) => outdated[i]));
  }

  /** What may be run, or how, has changed, or the files of some models have. */
  async reopen(models: readonly ModelOnDevices[] = this.models): Promise<void> {
    this.jobs.cancel("replaced");
    await this.jobs.settled();
    for (const model of models) model.forget();
    await this.textsChanged();
    void this.start();
  }

  /** @param wanted these rows alone, in their order */
  csv(wanted?: readonly RowRef[]): { readonly name: string; readonly text: string } {
    const [first] = this.models;
    const base = this.models.length === 1 && first ? first.state.fileName.replace(/\.onnx$/i, "") : "models";
    const all = this.shownRows();
    const rows = wanted?.flatMap(
      (ref) => all.find((row) => row.model === ref.model && row.device === ref.device) ?? [],
    );
    const lines = (rows ?? all).map(({ model, device, figures, problem }) => ({
      model: this.models.find(({ uri }) => uri === model)?.state.fileName ?? model,
      device: this.devices.nameOf(device),
      profile: pathOf(device) ?? device,
      ...(figures && { figures }),
      ...(problem && { problem: problem.message }),
    }));
    return { name: `${base}.devices.csv`, text: matrixCsv(lines) };
  }

  snapshot(): DevicesSnapshot {
    return devicesSnapshot(++this.sequence, {
      models: this.models,
      devices: this.devices.shown(),
      rows: this.shownRows(),
      trusted: this.host.trusted(),
      ...(this.work && { work: this.work }),
      ...(this.failure && { failure: this.failure }),
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.publishTimer);
    this.jobs.cancel("closed");
    await this.jobs.settled();
    await Promise.all(this.models.map((model) => model.close()));
  }

  /** Bitwidths that are measured: the usual ones, and all that one of the devices has. */
  private bits() {
    const wanted = [...this.host.settings().bits, ...this.devices.weightBits];
    return allBits.filter((bits) => wanted.includes(bits));
  }

  /** As far as may be run without being asked: models with real samples. */
  private start(): Promise<void> {
    return this.startOver(false);
  }

  private async startOver(asked: boolean): Promise<void> {
    this.jobs.cancel("replaced");
    this.failure = undefined;
    await this.jobs.run("compare", async (signal) => {
      const engine = new EngineClient(this.host.engineFile, this.host.log);
      const changes = { refresh: () => this.publish(), publish: () => this.publish() };
      try {
        for (const model of this.models) await this.compare(model, { engine, changes }, asked, signal);
      } finally {
        for (const { state } of this.models) delete state.work;
        // A model in memory, and its weights at several bitwidths, are much for a page that only stands there.
        engine.dispose();
      }
    });
  }

  private async compare(model: ModelOnDevices, working: Working, asked: boolean, signal: AbortSignal): Promise<void> {
    this.work = { model: model.uri };
    this.publish();
    await model.prepare(working, signal);
    await this.refresh();
    if (!model.isRunnable || !(asked || model.hasSamples)) return;
    await model.measure(working, signal);
    await this.refresh();
    for (const id of this.devices.all) {
      signal.throwIfAborted();
      const laid = this.rows.laidOut(model, id);
      if (!laid || model.runs.has(laid.key) || model.failures.has(laid.key)) continue;
      delete model.state.work;
      this.work = { model: model.uri, device: id };
      this.publish();
      await model.run(laid, working, signal);
      await this.refresh();
    }
  }

  private shownRows(): readonly DeviceRow[] {
    const { work } = this;
    return this.models.flatMap((model) =>
      this.devices.all.map((id): DeviceRow => {
        const row = this.rows.row(model, id, this.devices);
        const runs = work?.model === model.uri && work.device === id && row.state === "expected";
        return runs ? { ...row, state: "running" } : row;
      }),
    );
  }

  /** Works out anew what follows from what is known. It takes a while for large models: others get their turn in between. */
  private refresh(): Promise<void> {
    if (this.refreshing) {
      this.refreshAgain = true;
      return this.refreshing;
    }
    this.refreshing = (async () => {
      do {
        this.refreshAgain = false;
        for (const model of this.models) {
          for (const id of this.devices.all) {
            await this.rows.refresh(model, this.devices.for(id, model.path), id, this.host.settings());
            await setImmediate();
          }
          this.publish();
        }
      } while (this.refreshAgain && !this.closed);
    })().finally(() => {
      this.refreshing = undefined;
    });
    return this.refreshing;
  }

  private failed(error: unknown, cancelled: CancelReason | undefined): void {
    if (this.closed || cancelled !== undefined || runtimeProblem(error)) return;
    this.failure = failureOf(error);
    this.host.log(`A comparison failed: ${error instanceof Error ? error.stack : error}`);
  }

  private publish(): void {
    if (this.publishTimer !== undefined || this.closed) return;
    this.publishTimer = setTimeout(() => {
      this.publishTimer = undefined;
      this.publishSnapshot(this.snapshot());
    }, publishEveryMs);
  }
}
