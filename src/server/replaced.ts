import type { SessionState } from "./sessionState.ts";
import { forgetSkipped } from "./skipped.ts";

/** What was known of a model before its file changed. */
export type KnownBefore = Pick<SessionState, "statistics" | "measurements" | "measuredSamples">;

/** Empties a session of all that is about the file as it was. */
export function forgetFile(state: SessionState): KnownBefore {
  const { statistics, measurements, measuredSamples } = state;
  state.statistics = new Map();
  state.measurements = new Map();
  state.measuredSamples = 0;
  // Also for a file that comes back as it was: it is to be read again.
  delete state.modelHash;
  delete state.modelStamp;
  delete state.decided;
  delete state.comparison;
  delete state.stopped;
  delete state.restarted;
  delete state.failure;
  delete state.stale;
  forgetSkipped(state);
  return { statistics, measurements, measuredSamples };
}

/**
 * Compares the weights with those before. Where layers differ, the sensitivities from before stay to be seen, marked, until the next
 * analysis: they still say more than none.
 * @returns false when nothing is left to be compared with, or nothing differs: the file is then as good as a new one
 */
export function keepStale(state: SessionState, before: KnownBefore, at: number): boolean {
  const names = [...state.statistics.keys()];
  if (state.measurements.size > 0 || !names.some((name) => before.statistics.has(name))) return false;
  const differs = names.filter((name) => {
    const [now, known] = [state.statistics.get(name), before.statistics.get(name)];
    return known?.sigma !== now?.sigma || known?.max !== now?.max;
  });
  if (differs.length === 0) return false;
  state.measurements = new Map([...before.measurements].filter(([name]) => state.statistics.has(name)));
  state.measuredSamples = before.measuredSamples;
  state.stale = { layers: new Set(differs), at };
  return true;
}

/** Drops sensitivities that are of the file as it was: what is decided or kept from now on is about the one that is there. */
export function dropStale(state: SessionState): void {
  if (!state.stale) return;
  state.measurements = new Map();
  state.measuredSamples = 0;
  delete state.stale;
}
