import { el } from "../dom.ts";

/**
 * Says things to people who don't see the page, politely and only when they are new. The verdict is announced from here and not from
 * where it is shown, because during a drag it changes with every frame.
 */
export class Announcer {
  readonly element = el("div", { class: "unseen", role: "status", attributes: { "aria-live": "polite" } });
  #last = "";

  say(text: string): void {
    if (text === this.#last) return;
    this.#last = text;
    this.element.textContent = text;
  }
}
