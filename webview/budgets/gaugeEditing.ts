import type { Context } from "../context.ts";
import { limitAtFraction, limitBySteps, parseLimit } from "../model/gauge.ts";
import type { BudgetDrag } from "../state.ts";
import { inlineField } from "../ui/plain.ts";
import type { Gauge } from "./gauge.ts";

/** Percent by which an arrow key moves a limit, and with Shift. */
const step = 1;
const largeStep = 10;

/** A limit that was let go is shown as it is until the host says the same, but no longer than this. */
const settleMs = 1500;

/** Makes a gauge's limit movable: by pointer, by arrow keys, and by typing it. Each change is tried at once; nothing is written. */
export function makeEditable(gauge: Gauge, context: Context): void {
  byPointer(gauge, context);
  byKeyboard(gauge, context);
  byTyping(gauge, context);
}

function limitOf(gauge: Gauge, { store }: Context): number | undefined {
  const { drag, snapshot } = store.state;
  if (drag?.resource === gauge.resource) return drag.limit;
  return snapshot?.budgets.find((b) => b.name === gauge.resource)?.limit ?? undefined;
}

/** Shows a limit and asks the host for what follows from it. */
function tryLimit(gauge: Gauge, { store, post }: Context, limit: number, before: number, done: boolean): void {
  const drag: BudgetDrag = { resource: gauge.resource, limit, before, done };
  store.set({ drag });
  post({ type: "tryBudget", resource: gauge.resource, limit, done });
  if (done) window.setTimeout(() => store.state.drag === drag && store.set({ drag: undefined }), settleMs);
}

function byPointer(gauge: Gauge, context: Context): void {
  const { mark, bar } = gauge;
  let before: number | undefined;
  let last: number | undefined;
  // Where on the mark it was taken: the mark does not jump under the pointer.
  let offset = 0;
  const finish = (limit: number | undefined): void => {
    if (before !== undefined && limit !== undefined) tryLimit(gauge, context, limit, before, true);
    before = undefined;
    last = undefined;
  };
  mark.addEventListener("pointerdown", (event) => {
    before = event.button === 0 ? limitOf(gauge, context) : undefined;
    if (before === undefined) return;
    last = before;
    const rect = mark.getBoundingClientRect();
    offset = event.clientX - (rect.left + rect.right) / 2;
    mark.setPointerCapture(event.pointerId);
    mark.focus({ preventScroll: true });
    context.store.set({ drag: { resource: gauge.resource, limit: before, before, done: false } });
    event.preventDefault();
  });
  mark.addEventListener("pointermove", (event) => {
    if (before === undefined || gauge.figures === undefined) return;
    const rect = bar.getBoundingClientRect();
    const limit = limitAtFraction(gauge.figures, (event.clientX - offset - rect.left) / rect.width);
    if (limit === last) return;
    last = limit;
    tryLimit(gauge, context, limit, before, false);
  });
  mark.addEventListener("pointerup", () => finish(last));
  mark.addEventListener("pointercancel", () => finish(before));
  mark.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || before === undefined) return;
    finish(before);
    event.stopPropagation();
  });
}

function byKeyboard(gauge: Gauge, context: Context): void {
  const { mark } = gauge;
  // The limit before a run of key presses, so that Escape undoes the run.
  let before: number | undefined;
  mark.addEventListener("keydown", (event) => {
    const limit = limitOf(gauge, context);
    if (limit === undefined || gauge.figures === undefined) return;
    const by = (event.shiftKey ? largeStep : step) * direction(event.key);
    if (by !== 0) {
      before ??= limit;
      tryLimit(gauge, context, limitBySteps(limit, gauge.figures.unit, by), before, false);
    } else if (event.key === "Enter") gauge.limitText.click();
    else if (event.key === "Escape" && before !== undefined) {
      tryLimit(gauge, context, before, before, true);
      before = undefined;
    } else return;
    event.preventDefault();
  });
  mark.addEventListener("keyup", (event) => {
    const { drag } = context.store.state;
    if (direction(event.key) === 0 || before === undefined || drag?.resource !== gauge.resource) return;
    tryLimit(gauge, context, drag.limit, before, true);
  });
  mark.addEventListener("blur", () => {
    before = undefined;
  });
}

function direction(key: string): number {
  if (key === "ArrowRight" || key === "ArrowUp") return 1;
  return key === "ArrowLeft" || key === "ArrowDown" ? -1 : 0;
}

function byTyping(gauge: Gauge, context: Context): void {
  const { limitText, limitPlace } = gauge;
  limitText.addEventListener("click", () => {
    const { figures } = gauge;
    if (figures === undefined) return;
    const unit = figures.unit.label;
    const field = inlineField(`${gauge.resource} limit${unit === "" ? "" : `, ${unit}`}`, figures.limit ?? "");
    const leave = (focus: boolean): void => {
      if (!field.isConnected) return;
      limitPlace.replaceChildren(limitText);
      if (focus) gauge.mark.focus({ preventScroll: true });
    };
    const enter = (focus: boolean): void => {
      if (!field.isConnected) return;
      const limit = field.value === (figures.limit ?? "") ? undefined : parseLimit(field.value, figures.unit);
      if (limit === undefined && field.value !== (figures.limit ?? "") && focus) {
        field.setAttribute("aria-invalid", "true");
        field.title = `An amount, such as 28 ${unit}; empty for no limit`.trimEnd();
        return;
      }
      leave(focus);
      const before = limitOf(gauge, context);
      if (limit === null) context.post({ type: "tryBudget", resource: gauge.resource, limit, done: true });
      else if (limit !== undefined) tryLimit(gauge, context, limit, before ?? limit, true);
    };
    field.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter") enter(true);
      else if (event.key === "Escape") leave(true);
    });
    field.addEventListener("blur", () => enter(false));
    limitPlace.replaceChildren(field);
    field.focus();
    field.select();
  });
}
