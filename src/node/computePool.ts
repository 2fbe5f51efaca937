import path from "node:path";
import { pool } from "workerpool";
import type { Compute } from "../core/compute/compute.ts";
import { inPlace } from "../core/compute/compute.ts";
import type { Tasks } from "../core/compute/tasks.ts";
import { fromWire } from "../core/wireError.ts";
import type { Answer } from "./computeThread.ts";

/** Where the bundle of computeThread.ts lies: beside the program's own. */
export const computeThreadFile = path.join(import.meta.dirname, "computeThread.cjs");

export interface ComputePool extends Compute {
  /** Ends the threads; what they compute is lost. */
  close(): Promise<void>;
}

/**
 * Computes in worker threads, which are started when there is work for them and end with `close`.
 * @param threads how many; with one, it is computed in place
 */
export function openComputePool(threads: number, file: string = computeThreadFile): ComputePool {
  if (threads <= 1) return { ...inPlace, close: async () => undefined };
  const workers = pool(file, { workerType: "thread", maxWorkers: threads });
  return {
    width: threads,
    async run<K extends keyof Tasks>(kind: K, task: Tasks[K]["task"]): Promise<Tasks[K]["result"]> {
      const answer = (await workers.exec("run", [kind, task])) as Answer<Tasks[K]["result"]>;
      if ("error" in answer) throw fromWire(answer.error);
      return answer.result;
    },
    close: async () => {
      await workers.terminate(true);
    },
  };
}
