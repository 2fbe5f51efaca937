import { EngineCrash } from "../node/engineClient.ts";
import type { Work } from "../protocol/editor.ts";
import type { CancelReason } from "./jobQueue.ts";
import { runtimeProblem } from "./runtime.ts";
import { failureOf } from "./sessionErrors.ts";
import type { SessionState } from "./sessionState.ts";

/** Measurements that there are, of those that there will be. */
interface Pairs {
  readonly kept: number;
  readonly total: number;
}

/** Takes into the state what is told of a job that did not end well. */
export function tellFailure(
  state: SessionState,
  pairs: Pairs,
  kind: Work["kind"],
  error: unknown,
  cancelled: CancelReason | undefined,
): void {
  if (cancelled !== undefined) {
    if (cancelled === "cancelled") tellStopped(state, pairs, kind);
  } else if (error instanceof EngineCrash) {
    const { item: layer } = error.place;
    state.restarted = { ...pairs, ...(layer !== undefined && { layer }) };
    if (layer === undefined) delete state.crashedAt;
    else state.crashedAt = layer;
  }
  // A runtime that is missing has a notice of its own.
  else if (!runtimeProblem(error)) state.failure = failureOf(error);
}

/** How far it got; a run to files may have taken the place of an analysis that is then not complete. */
function tellStopped(state: SessionState, { kept, total }: Pairs, kind: Work["kind"]): void {
  const { work } = state;
  if (kind === "quantize") {
    if (kept < total) state.stopped = { stage: "Measuring", done: kept, total };
  } else if (work && work.total > 0) {
    const { stage, done, total: all } = work;
    state.stopped = { stage, done, total: all };
  }
}
