import { el, setShown, setText, setTitle } from "../dom.ts";
import { drawIcon, icon } from "../ui/icons.ts";

/** What a verdict says and how it is marked. */
export interface VerdictText {
  readonly status: "fits" | "fails" | "unknown";
  readonly headline: string;
  readonly detail: string;
  readonly facts: string;
}

/** The answer, before the evidence: an icon, a sentence, how it was got. */
export class VerdictCell {
  readonly #icon = icon("ok", "ok");
  readonly #headline = el("div", { class: "bold verdict-headline" });
  readonly #detail = el("div", { class: "small muted verdict-detail" });
  readonly #facts = el("div", { class: "small muted ellipsis verdict-facts" });
  readonly #skeleton = el("span", { class: "skeleton skeleton-verdict" });
  readonly element = el(
    "div",
    { class: "cell verdict" },
    this.#icon,
    el("div", { class: "verdict-text" }, this.#skeleton, this.#headline, this.#detail, this.#facts),
  );

  /** @param text undefined = not known yet */
  update(text: VerdictText | undefined): void {
    setShown(this.#skeleton, text === undefined);
    this.#icon.toggleAttribute("hidden", text === undefined);
    setText(this.#headline, text?.headline ?? "");
    setText(this.#detail, text?.detail ?? "");
    setText(this.#facts, text?.facts ?? "");
    setTitle(
      this.element,
      text === undefined ? "" : [text.headline, text.detail, text.facts].filter(Boolean).join("\n"),
    );
    if (text === undefined) return;
    drawIcon(this.#icon, { fits: "ok", fails: "error", unknown: "info" }[text.status] as "ok" | "error" | "info");
    this.#icon.setAttribute("class", `icon ${{ fits: "ok", fails: "err", unknown: "info" }[text.status]}`);
  }
}
