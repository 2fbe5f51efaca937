import type { Notice } from "../../src/protocol/editor.ts";
import type { Context, Part } from "../context.ts";
import { el, setChildren, setText } from "../dom.ts";
import { icon } from "../ui/icons.ts";
import { linkButton } from "../ui/plain.ts";
import { type Banner, bannerOf } from "./noticeText.ts";

/**
 * The banners of some kinds of notices. One that stays is not made anew, so that the keyboard stays on its link. While a limit is
 * dragged none comes or goes: the gauges must not move under the pointer.
 */
export function createNotices({ post }: Context, shows: (kind: Notice["kind"]) => boolean): Part {
  const element = el("div", { class: "notices" });
  const banners = new Map<string, { readonly element: HTMLElement; readonly text: HTMLElement }>();

  const make = (banner: Banner): { element: HTMLElement; text: HTMLElement } => {
    const text = el("span");
    const code = banner.code === undefined ? [] : [el("span", { class: "small muted", text: banner.code })];
    const links = banner.actions.map(({ label, command }) =>
      linkButton(label, () => post({ type: "command", command })),
    );
    return {
      text,
      element: el(
        "div",
        { class: `banner ${banner.tone}`, role: banner.tone === "error" ? "alert" : "status" },
        icon(banner.icon, { info: "", warning: "warn", error: "err" }[banner.tone]),
        el("div", { class: "banner-text" }, text, ...code),
        el("div", { class: "banner-actions" }, ...links),
      ),
    };
  };

  return {
    element,
    update: ({ snapshot, drag }) => {
      if (snapshot === undefined || (drag !== undefined && !drag.done)) return;
      const shown = snapshot.notices.filter((n) => shows(n.kind)).flatMap((n) => bannerOf(n, snapshot) ?? []);
      const keyed = shown.map((banner) => {
        // Other actions make another banner; another text is written into the one that is there.
        const key = `${banner.key} ${banner.actions.map((a) => a.label).join()}`;
        const made = banners.get(key) ?? make(banner);
        banners.set(key, made);
        setText(made.text, banner.text);
        return { key, element: made.element };
      });
      setChildren(
        element,
        keyed.map((k) => k.element),
      );
      for (const key of banners.keys()) if (!keyed.some((k) => k.key === key)) banners.delete(key);
    },
  };
}
