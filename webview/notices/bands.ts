import type { EditorSnapshot, PageCommand } from "../../src/protocol/editor.ts";
import { needsBand } from "../budgets/strip.ts";
import type { Context, Part } from "../context.ts";
import { button } from "../controls.ts";
import { el, setChildren, setShown } from "../dom.ts";
import { type IconName, icon } from "../ui/icons.ts";

/** A band across the page: what is missing or wrong, and what to do about it. */
interface Band {
  /** Another key makes another band. */
  readonly key: string;
  readonly icon: IconName;
  readonly status: string;
  readonly title: string;
  readonly text: string;
  readonly small?: string;
  readonly buttons: readonly { readonly label: string; readonly run: () => void }[];
  /** After the buttons: what a remedy costs. */
  readonly remark?: string;
}

/** The bands between header and gauges: no device yet, does not fit, no evaluation samples. At most one at a time. */
export function createBands(context: Context): Part {
  const element = el("div", { class: "bands" });
  let shown = "";
  return {
    element,
    update: ({ snapshot, drag }) => {
      if (drag !== undefined && !drag.done) return;
      const band = snapshot && bandOf(snapshot, context);
      setShown(element, band !== undefined);
      const key = band === undefined ? "" : JSON.stringify(band);
      if (key === shown) return;
      shown = key;
      setChildren(element, band === undefined ? [] : [bandElement(band)]);
    },
  };
}

function bandOf(snapshot: EditorSnapshot, context: Context): Band | undefined {
  if (snapshot.profile === undefined) return snapshot.model === undefined ? undefined : noProfile(snapshot, context);
  if (needsBand(snapshot)) return doesNotFit(snapshot, context);
  const unmeasured = snapshot.notices.some((n) => n.kind === "noEvaluation");
  return unmeasured && snapshot.work === undefined ? noEvaluation(context) : undefined;
}

function noProfile({ profiles }: EditorSnapshot, { post }: Context): Band {
  const own = profiles.filter((p) => p.kind === "workspace");
  const presets = profiles.filter((p) => p.kind === "preset");
  const offered = own.length > 0 ? own.slice(0, 2) : presets.slice(0, 1);
  const run = (command: PageCommand) => () => post({ type: "command", command });
  const use = offered.map(({ id, label }) => ({
    label: `Use ${label}`,
    run: () => post({ type: "selectProfile", id }),
  }));
  const create = { label: "New Device Profile…", run: run("newProfile") };
  return {
    key: "noProfile",
    icon: "chip",
    status: "",
    title: "Choose a device to get bitwidths",
    text: `${own.length > 0 ? "" : "This workspace has no hardware profile. "}A profile holds the bitwidths that a device supports and the budgets to meet. Sensitivities are shown below without it.`,
    buttons: [
      ...(own.length > 0 ? [...use, create] : [create, ...use]),
      { label: "More Presets…", run: run("chooseProfile") },
    ],
  };
}

function doesNotFit({ verdict, remedies }: EditorSnapshot, { post }: Context): Band {
  const details = remedies.flatMap((r) => r.detail ?? []);
  return {
    key: "doesNotFit",
    icon: "error",
    status: "err",
    title: verdict?.headline ?? "",
    text: verdict?.detail ?? "",
    buttons: remedies.map(({ label }, index) => ({ label, run: () => post({ type: "applyRemedy", index }) })),
    ...(details.length === 0 ? {} : { remark: details.join("; ") }),
  };
}

function noEvaluation({ post }: Context): Band {
  return {
    key: "noEvaluation",
    icon: "data",
    status: "",
    title: "No evaluation samples",
    text: "The plan fits, but its accuracy has not been measured. Choose labelled samples that were not used to calibrate.",
    buttons: [{ label: "Choose Evaluation Set…", run: () => post({ type: "command", command: "chooseEvaluation" }) }],
  };
}

/** An icon, a title, a text, and the way out. Also what a file that cannot be read is shown as. */
export function bandElement(band: Omit<Band, "key">): HTMLElement {
  const buttons = band.buttons.map(
    ({ label, run }, i) => button({ label, look: i === 0 ? "primary" : "secondary", run }).element,
  );
  return el(
    "div",
    { class: "band" },
    icon(band.icon, band.status),
    el(
      "div",
      { class: "band-text" },
      el("h2", { class: "bold", text: band.title }),
      el(
        "p",
        {},
        el("span", { text: band.text }),
        ...(band.small === undefined ? [] : [el("span", { class: "small muted band-code", text: band.small })]),
      ),
    ),
    el(
      "div",
      { class: "band-actions" },
      ...buttons,
      ...(band.remark === undefined ? [] : [el("span", { class: "small muted", text: band.remark })]),
    ),
  );
}
