import os from "node:os";
import { toWire } from "../core/wireError.ts";
import { openComputePool } from "../node/computePool.ts";
import { createOrtInference } from "../node/ortInference.ts";
import type { FromEngine, JobKind, Jobs, ToEngine } from "./jobs.ts";
import { LayerJobs } from "./layerJobs.ts";
import { EngineModels } from "./models.ts";
import { type JobContext, runners } from "./run.ts";

/**
 * The engine: a child process of the server, where ONNX Runtime lives. A crash in native code, or memory that runs out,
 * costs the job at hand and not the server. It ends when its parent does.
 */
const inference = createOrtInference();
const compute = openComputePool(os.availableParallelism());
const models = new EngineModels(inference);
const layerJobs = new LayerJobs(models, inference, compute);
const running = new Map<number, AbortController>();

process.on("message", (message) => {
  const order = message as ToEngine;
  if (order.kind === "cancel") {
    running.get(order.id)?.abort(new Error("cancelled"));
    return;
  }
  void serve(order.id, order.kind, order.params);
});
// The channel closes when the parent dies, however it does: nothing is left behind.
process.on("disconnect", () => process.exit(0));

async function serve<K extends JobKind>(id: number, kind: K, params: Jobs[K]["params"]): Promise<void> {
  const controller = new AbortController();
  running.set(id, controller);
  const tell: JobContext["tell"] = (event) => send({ id, event });
  try {
    const runner = runners[kind] as (params: Jobs[K]["params"], context: JobContext) => Promise<unknown>;
    send({
      id,
      result: await runner(params, { models, layerJobs, inference, compute, tell, signal: controller.signal }),
    });
  } catch (error) {
    send({ id, error: { ...toWire(error), ...(controller.signal.aborted && { aborted: true }) } });
  } finally {
    running.delete(id);
  }
}

function send(message: FromEngine): void {
  // The parent may go while this is under way, which "disconnect" tells.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}
