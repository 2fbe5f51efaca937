import type { Context, Part } from "../context.ts";
import { progressRing } from "../controls.ts";
import { el, setAttribute, setShown, setStyle, setText } from "../dom.ts";
import { workCount } from "../model/words.ts";
import { linkButton } from "../ui/plain.ts";

/** Work under way: what, how far, how long, and a way to stop it. */
export function createProgress({ post }: Context): Part {
  const stage = el("span");
  const layer = el("b");
  const rest = el("span");
  const counted = el("span", { class: "muted" });
  const ring = progressRing();
  const bar = el("div", {
    class: "progress",
    role: "progressbar",
    attributes: { "aria-valuemin": "0", "aria-valuemax": "100" },
  });
  const filled = el("span", { class: "progress-done" });
  bar.append(filled);
  const element = el(
    "div",
    { class: "work" },
    el(
      "div",
      { class: "work-line" },
      ring,
      el("div", { class: "ellipsis grow" }, stage, layer, rest, counted),
      linkButton("Cancel", () => post({ type: "command", command: "cancel" })),
    ),
    bar,
  );
  return {
    element,
    update: ({ snapshot, drag }) => {
      const work = snapshot?.work;
      // Allocating takes a blink; while a limit is dragged it goes on all the time, and the drag itself shows it.
      const brief = work?.kind === "allocate" && (drag !== undefined || work.total === 0);
      setShown(element, work !== undefined && !brief);
      if (work === undefined || brief) return;
      const [name = "", ...after] = (work.note ?? "").split(/ (?=at |\()/);
      setText(stage, name === "" ? work.stage : `${work.stage} `);
      setText(layer, name);
      setText(rest, after.length === 0 ? "" : ` ${after.join(" ")}`);
      const numbers = workCount(work);
      setText(counted, numbers === "" ? "" : `, ${numbers}`);
      const known = work.total > 0;
      const percent = known ? Math.min(100, Math.round((work.done / work.total) * 100)) : 0;
      setShown(ring, !known);
      setStyle(filled, "width", `${percent}%`);
      setAttribute(bar, "aria-valuenow", known ? String(percent) : undefined);
      setAttribute(bar, "aria-valuetext", numbers === "" ? work.stage : `${work.stage} ${numbers}`);
      setAttribute(bar, "aria-label", `${work.stage} ${work.note ?? ""}`.trim());
    },
  };
}
