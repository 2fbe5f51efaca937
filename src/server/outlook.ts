import type { Bits } from "../core/hardware/profile.ts";
import { paretoFront } from "../core/pipeline/front.ts";
import { totalLoss } from "../core/pipeline/loss.ts";
import type { PlanEdit, ServerSettings, TextChange } from "../protocol/requests.ts";
import { accuracyOf, type Displayed, displayedOf } from "./displayed.ts";
import { fitWith, maxDropInForce, pinsInForce, strategyInForce } from "./inForce.ts";
import { type Losses, lossesOf } from "./losses.ts";
import { applyEdit, type EditedBits, noProfile, planText } from "./planEdits.ts";
import { failureOf } from "./sessionErrors.ts";
import type { SessionState } from "./sessionState.ts";
import { solveSoon } from "./solveSoon.ts";

/** What follows from a session's state: costs on the device, bits, verdict; made anew after every change. */
export class Outlook {
  displayed: Displayed | undefined;
  private losses: Losses | undefined;
  /** What the Pareto front was computed from; it does not depend on budgets, so a drag does not compute it anew. */
  private frontKey: readonly unknown[] = [];

  constructor(
    private readonly state: SessionState,
    private readonly settings: () => ServerSettings,
  ) {}

  refresh(): void {
    const { state } = this;
    const { prepared, profile } = state;
    delete state.fit;
    delete state.live;
    delete state.pinProblem;
    if (prepared && profile) {
      try {
        state.fit = fitWith(state, prepared, profile.profile, pinsInForce(state));
      } catch (error) {
        // A pin that the device does not have, say: shown, and allocated as if it were not there.
        state.pinProblem = failureOf(error);
        state.fit = fitWith(state, prepared, profile.profile, new Map());
      }
    }
    this.losses = lossesOf(state);
    if (state.fit && this.losses) {
      state.live = solveSoon(state.fit, this.losses.loss);
      this.refreshFront(state.fit, this.losses);
    }
    this.displayed = displayedOf(state, this.losses, maxDropInForce(state));
  }

  /** The plan with an edit applied. @throws SQ5302 before there is a device */
  edited(edit: PlanEdit, planUri: string): TextChange {
    if (!this.displayed) throw noProfile();
    const state = edit.kind === "resetAll" ? this.unplanned() : this.state;
    return this.change(applyEdit(edit, this.displayed, this.recommended(edit, state), state.front), planUri, state);
  }

  /** The plan's text as it is, or of what is shown when there is no file yet. @throws as `edited` */
  plan(planUri: string): TextChange {
    const { plan } = this.state;
    if (plan) return { uri: plan.uri, text: plan.text };
    if (!this.displayed) throw noProfile();
    return this.change(this.displayed, planUri);
  }

  private refreshFront(fit: NonNullable<SessionState["fit"]>, losses: Losses): void {
    const { prepared, measurements, statistics, measuredSamples } = this.state;
    const { profile } = fit.input;
    const device = JSON.stringify([
      profile.weightBits,
      profile.operators,
      profile.memory,
      [...pinsInForce(this.state)],
    ]);
    const key = [prepared, measurements, statistics.size, measuredSamples, losses.metric, device];
    if (key.length === this.frontKey.length && key.every((part, i) => part === this.frontKey[i])) return;
    this.frontKey = key;
    this.state.front = paretoFront(fit, losses.loss);
  }

  /** As if there were no plan: no pins, and the activations' usual bits. */
  private unplanned(): SessionState {
    const { plan: _, ...state } = this.state;
    const { prepared, profile } = state;
    if (!prepared || !profile || !this.losses) throw noProfile();
    const fit = fitWith(state, prepared, profile.profile, new Map());
    return { ...state, fit, live: solveSoon(fit, this.losses.loss) };
  }

  /** Bits that the allocation gives without what the edit is about to take back. */
  private recommended(edit: PlanEdit, state: SessionState): ReadonlyMap<string, Bits | null> {
    const { losses } = this;
    const { prepared, profile, live } = state;
    if (!prepared || !profile || !losses || !live) throw noProfile();
    if (edit.kind !== "resetBits") return live.bits;
    const freed = new Set(edit.layers);
    const pins = [...pinsInForce(state)].filter(([name]) => !freed.has(name));
    return solveSoon(fitWith(state, prepared, profile.profile, new Map(pins)), losses.loss).bits;
  }

  private change(edited: EditedBits, planUri: string, state = this.state): TextChange {
    if (!this.losses || !state.fit) throw noProfile();
    const maxDrop = maxDropInForce(state);
    const accuracy = accuracyOf(state, state.fit, edited.bits, totalLoss(edited.bits, this.losses.loss));
    const text = planText(state, this.losses, edited, {
      strategy: strategyInForce(state, this.settings()),
      ...(maxDrop !== undefined && { maxDrop }),
      // What is only expected changes with every measurement: a file would tell it as it was.
      ...(accuracy && accuracy.how !== "expected" && { accuracy }),
    });
    return { uri: this.state.plan?.uri ?? planUri, text };
  }
}
