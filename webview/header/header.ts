import type { Context, Part } from "../context.ts";
import { button, iconButton } from "../controls.ts";
import { el, setText, setTitle } from "../dom.ts";
import { cannotRun } from "../model/words.ts";
import { Facts } from "./facts.ts";
import { openMoreMenu } from "./moreMenu.ts";
import { createSettings } from "./settings.ts";

/** Model, facts, the two things to do, and what they are done with. */
export function createHeader(context: Context): Part {
  const { post } = context;
  const name = el("h1", { class: "name ellipsis" });
  const facts = new Facts();
  const analyze = button({
    label: "Analyze",
    title: "Measure what each bitwidth of each layer costs",
    run: () => post({ type: "command", command: "analyze" }),
  });
  analyze.element.classList.add("analyze");
  const quantize = button({
    label: "Quantize",
    look: "primary",
    title: "Write the quantized model next to this one",
    run: () => post({ type: "command", command: "quantize" }),
  });
  const moreActions = iconButton("more", "More actions", (at) => openMoreMenu(context, at));
  const settings = createSettings(context);
  const element = el(
    "header",
    { class: "header" },
    el("div", { class: "title" }, name, facts.element, analyze.element, quantize.element, moreActions.element),
    settings.element,
  );
  return {
    element,
    update: (state) => {
      const { snapshot, fold } = state;
      setText(name, snapshot?.fileName ?? "");
      setTitle(name, snapshot?.fileName ?? "");
      facts.update(snapshot, fold);
      const because = cannotRun(snapshot);
      analyze.disable(because);
      quantize.disable(because ?? (snapshot?.profile ? undefined : "Choose a device first"));
      settings.update(state);
    },
  };
}
