import { worker } from "workerpool";
import type { Tasks } from "../core/compute/tasks.ts";
import { tasks } from "../core/compute/tasks.ts";
import { toWire, type WireError } from "../core/wireError.ts";

/** What a thread answers: errors keep their codes. */
export type Answer<R> = { readonly result: R } | { readonly error: WireError };

/** A thread of the pool, see openComputePool: does one task after the other. */
worker({
  run<K extends keyof Tasks>(kind: K, task: Tasks[K]["task"]): Answer<Tasks[K]["result"]> {
    try {
      return { result: tasks[kind](task) };
    } catch (error) {
      return { error: toWire(error) };
    }
  },
});
