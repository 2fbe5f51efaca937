import { formatTimeLeft } from "../../src/core/plan/format.ts";
import type { DevicesSnapshot } from "../../src/protocol/devices.ts";
import { progressRing } from "../controls.ts";
import { el, setAttribute, setShown, setStyle, setText } from "../dom.ts";
import { count } from "../format/numbers.ts";
import { workCount } from "../model/words.ts";
import { linkButton } from "../ui/plain.ts";
import type { Context, Part } from "./state.ts";

/** A line that is always there: what is at work, how far, and a way to stop it; else what was run, and a way to run the rest. */
export function createStatus({ post }: Context): Part {
  const before = el("span");
  const about = el("b");
  const rest = el("span");
  const counted = el("span", { class: "muted" });
  const ring = progressRing();
  const cancel = linkButton("Cancel", () => post({ type: "command", command: "cancel" }));
  const run = linkButton("", () => post({ type: "command", command: "run" }));
  const filled = el("span", { class: "progress-done" });
  const bar = el(
    "div",
    { class: "progress", role: "progressbar", attributes: { "aria-valuemin": "0", "aria-valuemax": "100" } },
    filled,
  );
  const rule = el("div", { class: "d-rule" });
  const element = el(
    "div",
    { class: "d-status" },
    el(
      "div",
      { class: "work-line" },
      ring,
      el("div", { class: "ellipsis grow" }, before, about, rest, counted),
      run,
      cancel,
    ),
    bar,
    rule,
  );
  return {
    element,
    update: ({ snapshot }) => {
      if (!snapshot) return;
      const { work } = snapshot;
      const text = work ? workText(snapshot, work) : idleText(snapshot);
      setText(before, text.before);
      setText(about, text.about);
      setText(rest, text.rest);
      setText(counted, text.counted);
      setShown(cancel, work !== undefined);
      const open = work === undefined && snapshot.runnable > 0;
      setShown(run, open);
      if (open) setText(run, snapshot.runnable === 1 ? "Run Plan" : `Run ${snapshot.runnable} Plans`);
      const part = work && partOf(snapshot, work);
      setShown(ring, work !== undefined && part === undefined);
      setShown(bar, work !== undefined);
      setShown(rule, work === undefined);
      const percent = Math.round((part ?? 0) * 100);
      setStyle(filled, "width", `${percent}%`);
      setAttribute(bar, "aria-valuenow", part === undefined ? undefined : String(percent));
      setAttribute(bar, "aria-valuetext", `${text.rest}${text.counted}`.trim() || text.before);
      setAttribute(bar, "aria-label", `${text.before}${text.about}`);
    },
  };
}

interface StatusText {
  readonly before: string;
  readonly about: string;
  readonly rest: string;
  readonly counted: string;
}

type Work = NonNullable<DevicesSnapshot["work"]>;

/** `Running MAX78000: Searching, 2 of 6 plans, about 40 s left`, or a step that is for all devices. */
function workText({ models, devices, rows }: DevicesSnapshot, work: Work): StatusText {
  const { step } = work;
  const model = models.length > 1 ? (models.find(({ uri }) => uri === work.model)?.name ?? "") : "";
  const device = devices.find(({ id }) => id === work.device)?.name;
  if (device === undefined) {
    const [name = "", ...after] = (step.note ?? "").split(/ (?=at |\()/);
    const numbers = workCount(step);
    return {
      before: `${model === "" ? "" : `${model}: `}${step.stage}${name === "" ? "" : " "}`,
      about: name,
      rest: after.length === 0 ? "" : ` ${after.join(" ")}`,
      counted: numbers === "" ? "" : `, ${numbers}`,
    };
  }
  const left = work.secondsLeft ?? undefined;
  const numbers = [`${work.settled} of ${count(rows.length, "plan")}`, ...(left ? [formatTimeLeft(left)] : [])];
  return {
    before: "Running ",
    about: model === "" ? device : `${model} on ${device}`,
    rest: `: ${step.stage.toLowerCase()}`,
    counted: `, ${numbers.join(", ")}`,
  };
}

/** What is done of what is at work, 0 to 1; undefined where it can't be counted. */
function partOf({ rows }: DevicesSnapshot, { device, settled, step }: Work): number | undefined {
  if (device !== undefined) return rows.length > 0 ? settled / rows.length : undefined;
  return step.total > 0 ? Math.min(1, step.done / step.total) : undefined;
}

function idleText({ rows, runnable }: DevicesSnapshot): StatusText {
  const nothing = { about: "", rest: "", counted: "" };
  if (rows.length === 0) return { before: "Nothing is compared yet.", ...nothing };
  if (runnable > 0) {
    const are = runnable === 1 ? "is" : "are";
    return {
      before: `${runnable} of ${count(rows.length, "plan")} ${are} not run yet.`,
      ...nothing,
    };
  }
  const run = rows.filter(({ state }) => state === "run").length;
  if (run === 0) return { before: "No plan was run.", ...nothing };
  const samples = new Set(rows.flatMap(({ figures }) => figures?.accuracy?.samples ?? []));
  const [only] = samples;
  const on = samples.size === 1 && only !== undefined ? ` on ${count(only, "sample")}` : "";
  return { before: `${run === rows.length ? "All" : run} plans were run${on}.`, ...nothing };
}
