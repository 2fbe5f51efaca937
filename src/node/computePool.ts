import path from "node:path";
import { type Pool, pool } from "workerpool";
import { type Compute, inPlace } from "../core/compute/compute.ts";
import type { Tasks } from "../core/compute/tasks.ts";
import { SigmaQuantError } from "../core/errors.ts";
import { fromWire } from "../core/wireError.ts";
import type { Answer } from "./computeThread.ts";

/** Where the bundle of computeThread.ts lies: beside the program's own. */
export const computeThreadFile = path.join(import.meta.dirname, "computeThread.cjs");

/** Threads that had nothing to do for so long give back their memory, some 13 MB each. Our choice. */
const idleMs = 20_000;

export interface ComputePool extends Compute {
  /** Ends the threads; what they compute is lost. */
  close(): Promise<void>;
}

/**
 * Computes in worker threads, which are started when there is work for them, and end some time after it or with `close`.
 * @param threads how many; with one, it is computed in place
 */
export function openComputePool(threads: number, file: string = computeThreadFile): ComputePool {
  if (threads <= 1) return { ...inPlace, close: async () => undefined };
  let workers: Pool | undefined;
  let running = 0;
  let idle: NodeJS.Timeout | undefined;
  const close = async () => {
    clearTimeout(idle);
    const ended = workers;
    workers = undefined;
    await ended?.terminate(true);
  };
  return {
    width: threads,
    async run<K extends keyof Tasks>(kind: K, task: Tasks[K]["task"]): Promise<Tasks[K]["result"]> {
      clearTimeout(idle);
      workers ??= pool(file, { workerType: "thread", maxWorkers: threads });
      running++;
      try {
        const answer = (await workers.exec("run", [kind, task]).catch(threadEnded)) as Answer<Tasks[K]["result"]>;
        if ("error" in answer) throw fromWire(answer.error);
        return answer.result;
      } finally {
        running--;
        // The threads themselves keep the process alive as long as they are there.
        if (running === 0 && workers) idle = setTimeout(close, idleMs).unref();
      }
    },
    close,
  };
}

function threadEnded(cause: unknown): never {
  const why = cause instanceof Error ? cause.message : String(cause);
  throw new SigmaQuantError("SQ6009", "thread-ended", `A thread that computes ended: ${why}`, {
    remedy: "Give the analysis fewer threads or less memory (--threads, --analysis-memory), or close other programs",
    cause,
  });
}
