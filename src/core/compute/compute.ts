import { type Tasks, tasks } from "./tasks.ts";

/**
 * Our own arithmetic behind a port: the core says what is to be computed, the adapter in which thread. A task's result depends on
 * the task alone, so that it is the same, to the last bit, wherever and beside whatever else it is computed.
 */
export interface Compute {
  /** Tasks that run at a time. */
  readonly width: number;
  run<K extends keyof Tasks>(kind: K, task: Tasks[K]["task"]): Promise<Tasks[K]["result"]>;
}

/** Milliseconds of computing in place after which other work of the process has its turn: an abort, a message. Our choice. */
const turnMs = 50;

let lastTurn = performance.now();

/** Computes in the thread that asks; lets the process's other work have its turn now and then. */
export const inPlace: Compute = {
  width: 1,
  async run(kind, task) {
    if (performance.now() - lastTurn >= turnMs) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      lastTurn = performance.now();
    }
    return tasks[kind](task);
  },
};

/** The same for a job that may not have all of it. */
export function atMost(width: number, compute: Compute): Compute {
  return { width: Math.min(width, compute.width), run: (kind, task) => compute.run(kind, task) };
}

/**
 * Does work on each item, on as many at a time as run beside each other, the first ones first. Ends with the first failure; what
 * runs then is waited for.
 */
export async function inParallel<T>(
  items: Iterable<T>,
  width: number,
  work: (item: T) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const rest = items[Symbol.iterator]();
  let failed = false;
  const runner = async () => {
    while (!failed) {
      signal?.throwIfAborted();
      const { value, done } = rest.next();
      if (done) return;
      await work(value).catch((error: unknown) => {
        failed = true;
        throw error;
      });
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: width }, runner));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}
