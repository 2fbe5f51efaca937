import type { FatalProblem, PageCommand } from "../../src/protocol/editor.ts";
import type { Context, Part } from "../context.ts";
import { el, setChildren } from "../dom.ts";
import { bandElement } from "./bands.ts";

/** The page of a file that cannot be read: what, where, why, what to do, and the code last. */
export function createFatal({ post }: Context): Part {
  const element = el("section", { class: "fatal", role: "alert" });
  const run = (command: PageCommand) => () => post({ type: "command", command });
  let shown: FatalProblem | undefined;
  return {
    element,
    update: ({ snapshot }) => {
      const fatal = snapshot?.fatal;
      if (fatal === shown || fatal === undefined) return;
      if (shown && JSON.stringify(fatal) === JSON.stringify(shown)) return;
      shown = fatal;
      const band = bandElement({
        icon: "error",
        status: "err",
        title: fatal.title,
        text: [fatal.message, fatal.remedy].filter(Boolean).map(sentence).join(" "),
        small: `${fatal.code} ${fatal.slug}`,
        buttons: [
          { label: "Try Again", run: run("retry") },
          { label: "Open in Hex Editor", run: run("openHex") },
          { label: "Show Log", run: run("showLog") },
        ],
      });
      setChildren(element, [band]);
    },
  };
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
