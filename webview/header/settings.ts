import type { Strategy } from "../../src/core/plan/types.ts";
import type { Choice, EditorSnapshot } from "../../src/protocol/editor.ts";
import type { Context, Part } from "../context.ts";
import { type DropdownOption, dropdown, iconButton, textField } from "../controls.ts";
import { el, setAttribute, setClass, setText } from "../dom.ts";
import { count } from "../format/numbers.ts";
import { parseTarget, targetText } from "../model/gauge.ts";
import { strategyName, strategyShort } from "../model/words.ts";
import type { State } from "../state.ts";
import { icon } from "../ui/icons.ts";

/** Entries of a dropdown that open something instead of being chosen; no id of a profile or set starts with a colon. */
const more = { newProfile: ":new", chooseProfile: ":presets", chooseCalibration: ":file" } as const;

/** The header's second line: device, calibration set, strategy and target. */
export function createSettings({ post, store }: Context): Part {
  const profile = dropdown("Profile", "chip", (id) => {
    if (id === more.newProfile) post({ type: "command", command: "newProfile" });
    else if (id === more.chooseProfile) post({ type: "command", command: "chooseProfile" });
    else post({ type: "selectProfile", id });
  });
  const edit = iconButton("pencil", "Edit profile", () => post({ type: "command", command: "editProfile" }));
  const calibration = dropdown("Calibration set", "data", (id) => {
    if (id === more.chooseCalibration) post({ type: "command", command: "chooseCalibration" });
    else post({ type: "selectCalibration", id });
  });
  const strategy = dropdown("Strategy", undefined, (id) => {
    const picked = strategiesOf(store.state.snapshot).find((s) => s === id);
    if (picked) post({ type: "selectStrategy", strategy: picked });
  });
  const target = textField({
    label: "Accuracy target in points",
    entered: (text) => {
      const maxDrop = parseTarget(text);
      target.invalid(
        maxDrop === undefined ? "Points of accuracy that may be lost, such as 1.0; empty for none" : undefined,
      );
      if (maxDrop !== undefined) post({ type: "setMaxDrop", maxDrop });
    },
    escaped: () => {
      target.invalid(undefined);
      target.set(targetText(store.state.snapshot?.maxDrop ?? undefined));
    },
  });

  const summary = el("span", { class: "ellipsis" });
  const arrow = icon("chevronRight");
  const disclosure = el(
    "button",
    { class: "disclosure", attributes: { type: "button", "aria-controls": "details" } },
    arrow,
    summary,
  );
  disclosure.addEventListener("click", () => store.setView({ detailsOpen: !store.state.view.detailsOpen }));
  const details = el(
    "div",
    { class: "settings-details", attributes: { id: "details" } },
    setting("Calibration", "calibration", calibration.element),
    setting("Strategy", "strategy", strategy.element),
    setting("Accuracy target", "target", target.element),
  );
  const device = setting("Profile", "profile", profile.element);
  device.append(edit.element);
  const element = el("div", { class: "settings" }, device, disclosure, details);

  return {
    element,
    update: ({ snapshot, view }: State) => {
      const open = view.detailsOpen;
      setAttribute(disclosure, "aria-expanded", String(open));
      setClass(element, "open", open);
      edit.show(snapshot?.profile !== undefined);
      if (snapshot === undefined) return;
      target.placeholder("none");
      profile.update(profileOptions(snapshot), snapshot.profile?.id ?? "");
      if (snapshot.profile) edit.label(`Edit ${snapshot.profile.name}`);
      const set = snapshot.calibration;
      calibration.update(calibrationOptions(snapshot), set?.id ?? "", set ? count(set.samples, "sample") : "");
      strategy.update(
        strategiesOf(snapshot).map((s) => ({ value: s, label: strategyName(s) })),
        snapshot.strategy,
      );
      target.update(targetText(snapshot.maxDrop ?? undefined));
      setText(summary, summaryText(snapshot));
    },
  };
}

function setting(title: string, name: string, control: HTMLElement): HTMLElement {
  return el(
    "div",
    { class: `setting setting-${name}` },
    el("span", { class: "muted setting-title", text: title }),
    control,
  );
}

function summaryText(snapshot: EditorSnapshot): string {
  const samples = snapshot.calibration ? count(snapshot.calibration.samples, "sample") : "no calibration set";
  const target = targetText(snapshot.maxDrop ?? undefined);
  return [samples, strategyShort(snapshot.strategy), target === "" ? "no target" : `target ${target}`].join(", ");
}

/** The workspace's choices first, then the presets; what is in use is always among them. */
function choiceOptions(
  choices: readonly Choice[],
  used: { readonly id: string; readonly label: string } | undefined,
  noneYet: string,
): DropdownOption[] {
  const sorted = [...choices.filter((c) => c.kind === "workspace"), ...choices.filter((c) => c.kind === "preset")];
  const options = sorted.map((c) => ({ value: c.id, label: c.label }));
  if (used === undefined) return [{ value: "", label: noneYet }, ...options];
  if (options.some((o) => o.value === used.id)) return options;
  return [{ value: used.id, label: used.label }, ...options];
}

function profileOptions({ profiles, profile }: EditorSnapshot): readonly DropdownOption[] {
  const used = profile && { id: profile.id, label: profile.name };
  return [
    ...choiceOptions(profiles, used, "None"),
    { value: more.newProfile, label: "New Device Profile…" },
    { value: more.chooseProfile, label: "More Presets…" },
  ];
}

function calibrationOptions({ sampleSets, calibration }: EditorSnapshot): readonly DropdownOption[] {
  return [...choiceOptions(sampleSets, calibration, "None"), { value: more.chooseCalibration, label: "Choose File…" }];
}

/** The two searches, and one bitwidth for all layers as far as the device has it. */
function strategiesOf(snapshot: EditorSnapshot | undefined): readonly Strategy[] {
  const uniform = (snapshot?.profile?.weightBits ?? snapshot?.bits ?? []).toReversed();
  const all: Strategy[] = ["sigmaquant", "exact", ...uniform.map((b): Strategy => `uniform:${b}`)];
  const current = snapshot?.strategy;
  return current === undefined || all.includes(current) ? all : [...all, current];
}
