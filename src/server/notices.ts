import type { Notice } from "../protocol/editor.ts";
import type { SessionState } from "./sessionState.ts";

/** What the page has to tell in banners, most important first. */
export function noticesOf(state: SessionState, context: { readonly trusted: boolean; readonly now: number }): Notice[] {
  const notices: Notice[] = [];
  if (!context.trusted) notices.push({ kind: "untrusted" });
  const { noRuntime, restarted, stopped, failure, stale, profileProblem, planProblem, pinProblem, work, profile } =
    state;
  if (noRuntime) {
    const message = `${noRuntime.message}: the model is shown but not run. ${noRuntime.remedy}.`;
    notices.push({ kind: "noRuntime", message });
  }
  if (restarted) notices.push({ kind: "restarted", ...restarted });
  if (state.skipped.size > 0) notices.push({ kind: "skipped", layers: [...state.skipped] });
  if (stopped && !work) notices.push({ kind: "stopped", ...stopped });
  if (failure) notices.push({ kind: "problem", ...failure });
  for (const problem of [profileProblem, planProblem, pinProblem]) {
    if (problem) notices.push({ kind: "problem", ...problem });
  }
  if (stale) {
    notices.push({
      kind: "stale",
      changed: stale.layers.size,
      layers: state.layers.length,
      secondsAgo: Math.max(0, Math.round((context.now - stale.at) / 1000)),
    });
  }
  for (const [resource, limit] of state.whatIf) {
    const profileLimit = profile?.limits[resource];
    notices.push({ kind: "whatIf", resource, limit, ...(profileLimit !== undefined && { profileLimit }) });
  }
  if (state.measurements.size > 0 && state.calibration?.facts?.synthetic) notices.push({ kind: "synthetic" });
  else if (state.decided && !state.evaluation?.facts && state.calibration?.facts?.synthetic === false) {
    notices.push({ kind: "noEvaluation" });
  }
  return notices;
}
