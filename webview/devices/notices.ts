import type { DevicesCommand, DevicesNotice } from "../../src/protocol/devices.ts";
import { el, setChildren } from "../dom.ts";
import { type IconName, icon } from "../ui/icons.ts";
import { linkButton } from "../ui/plain.ts";
import type { Context, Part } from "./state.ts";

interface Banner {
  readonly tone: "info" | "warning" | "error";
  readonly icon: IconName;
  readonly text: string;
  readonly code?: string;
  readonly label: string;
  readonly command: DevicesCommand;
}

/** Banners at the top. */
export function createNotices({ post }: Context): Part {
  const element = el("div", { class: "notices" });
  let shown = "";
  return {
    element,
    update: ({ snapshot }) => {
      const banners = (snapshot?.notices ?? []).map(bannerOf);
      const key = JSON.stringify(banners);
      if (key === shown) return;
      shown = key;
      setChildren(
        element,
        banners.map(({ tone, icon: name, text, code, label, command }) =>
          el(
            "div",
            { class: `banner ${tone}`, role: tone === "error" ? "alert" : "status" },
            icon(name, { info: "", warning: "warn", error: "err" }[tone]),
            el(
              "div",
              { class: "banner-text" },
              el("span", { text }),
              ...(code === undefined ? [] : [el("span", { class: "small muted", text: code })]),
            ),
            el(
              "div",
              { class: "banner-actions" },
              linkButton(label, () => post({ type: "command", command })),
            ),
          ),
        ),
      );
    },
  };
}

function bannerOf(notice: DevicesNotice): Banner {
  switch (notice.kind) {
    case "untrusted":
      return {
        tone: "info",
        icon: "shield",
        text: "Restricted Mode: models are laid on the devices but not run. Sizes, and what fits, need no run.",
        label: "Manage Workspace Trust",
        command: "manageTrust",
      };
    case "noRuntime":
      return { tone: "warning", icon: "warning", text: notice.message, label: "Show Log", command: "showLog" };
    case "noSamples": {
      const whose = notice.models.length === 1 ? "" : ` for ${notice.models.join(", ")}`;
      return {
        tone: "warning",
        icon: "warning",
        text: `No calibration set${whose}: bits are told from the weights alone, and accuracy is not known.`,
        label: "Choose Calibration Set…",
        command: "chooseCalibration",
      };
    }
    case "problem":
      return {
        tone: "error",
        icon: "error",
        text: notice.message,
        code: notice.code,
        label: "Show Log",
        command: "showLog",
      };
  }
}
