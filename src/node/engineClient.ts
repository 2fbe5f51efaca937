import { type ChildProcess, fork } from "node:child_process";
import { type Place, SigmaQuantError } from "../core/errors.ts";
import { fromWire, type WireError } from "../core/wireError.ts";
import type { FromEngine, JobEvent, JobKind, Jobs, ToEngine } from "../engine/jobs.ts";

/** A job that is cancelled gets this long to end at its next look at the signal, before its process is ended. */
const cancelGraceMs = 15_000;

/** A process that is not needed any more gets this long to end by itself, as it removes then what it has begun to write. */
const leaveMs = 1000;

/** Processes that were told to end and have not yet. */
const leaving = new Set<Promise<void>>();

/** Resolves when no process is on its way out any more. */
export async function enginesGone(): Promise<void> {
  await Promise.all(leaving);
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly onEvent: (event: JobEvent) => void;
  /** The layer that it is at. */
  item?: string | undefined;
}

/** The engine ended while a job ran: native code crashed, or memory ran out. */
export class EngineCrash extends SigmaQuantError {
  /** @param place the layer that it was at, if it was at one */
  constructor(how: string, place: Place = {}) {
    super("SQ6101", "engine-stopped", `The process that runs the model ended: ${how}`, {
      remedy: "Try again with fewer samples or a smaller batch; what was measured is kept",
      place,
    });
  }
}

/** One engine process, started when it is first needed and again after it ended; jobs run side by side in it. */
export class EngineClient {
  private child: ChildProcess | undefined;
  private readonly waiting = new Map<number, Waiting>();
  private nextId = 1;
  private disposed = false;
  private left: Promise<void> = Promise.resolve();

  /** @param file the engine's bundle */
  constructor(
    private readonly file: string,
    private readonly log: (line: string) => void,
  ) {}

  /** For tests and the log; undefined while none runs. */
  get pid(): number | undefined {
    return this.child?.pid;
  }

  /**
   * Runs a job to its end.
   * @throws SigmaQuantError of the job, EngineCrash; the signal's reason when cancelled
   */
  run<K extends JobKind>(
    kind: K,
    params: Jobs[K]["params"],
    onEvent: (event: JobEvent) => void,
    signal: AbortSignal,
  ): Promise<Jobs[K]["result"]> {
    if (signal.aborted) return Promise.reject(signal.reason);
    // Nobody would end the process that this would start.
    if (this.disposed) return Promise.reject(new EngineCrash("closed"));
    const id = this.nextId++;
    const child = this.start();
    const result = new Promise<Jobs[K]["result"]>((resolve, reject) => {
      this.waiting.set(id, { resolve: resolve as (result: unknown) => void, reject, onEvent });
    });
    child.send({ id, kind, params } as ToEngine);
    let grace: NodeJS.Timeout | undefined;
    const cancel = () => {
      if (this.child === child && child.connected) child.send({ id, kind: "cancel" } satisfies ToEngine);
      // A single run of a large network may last; its process is then ended, which is safe for a child.
      grace = setTimeout(() => child.kill("SIGKILL"), cancelGraceMs);
    };
    signal.addEventListener("abort", cancel, { once: true });
    return result
      .catch((error) => {
        throw signal.aborted ? signal.reason : error;
      })
      .finally(() => {
        clearTimeout(grace);
        signal.removeEventListener("abort", cancel);
      });
  }

  /** Ends the process; whoever waits for a job of it is told. */
  dispose(): void {
    this.disposed = true;
    const { child } = this;
    if (!child) return;
    this.left = leave(child);
    this.ended(child, "closed");
  }

  /** Resolves when the process that was disposed of has ended; at once before that. */
  gone(): Promise<void> {
    return this.left;
  }

  private start(): ChildProcess {
    if (this.child?.connected) return this.child;
    const child = fork(this.file, [], {
      serialization: "advanced",
      // The server talks LSP over its own channel; stray prints of native code must not reach it.
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      // The editor's flags (--inspect) are not for the engine.
      execArgv: [],
    });
    this.child = child;
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (data) => this.log(`engine: ${data}`.trim()));
    child.on("message", (message) => this.receive(message as FromEngine));
    child.on("error", (error) => this.ended(child, error.message));
    child.on("exit", (code, signal) => this.ended(child, signal ? `signal ${signal}` : `exit code ${code}`));
    return child;
  }

  private receive(message: FromEngine): void {
    const waiting = this.waiting.get(message.id);
    if (waiting === undefined) return;
    if ("event" in message) {
      if (message.event.type === "progress") waiting.item = message.event.progress.item;
      waiting.onEvent(message.event);
      return;
    }
    this.waiting.delete(message.id);
    if ("error" in message) waiting.reject(fromWire(at(waiting, message.error)));
    else waiting.resolve(message.result);
  }

  private ended(child: ChildProcess, how: string): void {
    if (this.child !== child) return;
    this.child = undefined;
    this.log(`engine ended: ${how}`);
    const lost = [...this.waiting.values()];
    this.waiting.clear();
    for (const { reject, item } of lost) reject(new EngineCrash(how, item === undefined ? {} : { item }));
  }
}

/** An error with the layer that the job was at, unless it says where it is. */
function at({ item }: Waiting, error: WireError): WireError {
  return item === undefined ? error : { ...error, place: { item, ...error.place } };
}

/** Has a process end: its channel closes, and it goes; in the middle of a long run in native code it is ended. */
function leave(child: ChildProcess): Promise<void> {
  const timer = setTimeout(() => child.kill("SIGKILL"), leaveMs);
  const gone = new Promise<void>((resolve) => {
    child.once("exit", () => {
      clearTimeout(timer);
      leaving.delete(gone);
      resolve();
    });
  });
  leaving.add(gone);
  if (child.connected) child.disconnect();
  return gone;
}
