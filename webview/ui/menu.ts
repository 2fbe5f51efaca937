import { el } from "../dom.ts";
import { icon } from "./icons.ts";
import { type Anchor, placeBeside } from "./place.ts";

/** A line of a menu. */
export type MenuItem =
  | { readonly kind: "separator" }
  | {
      readonly kind: "action" | "check" | "radio";
      readonly label: string;
      /** In place of the label; the label stays what assistive technology reads. */
      readonly content?: readonly Node[];
      readonly checked?: boolean;
      /** The key that does the same, or another remark at the right. */
      readonly hint?: string;
      /** The item is listed, but can't be chosen, for this reason. */
      readonly disabledBecause?: string;
      /** Stays open: several can be checked one after another. The items are then asked for again. */
      readonly stays?: boolean;
      readonly run: () => void;
    };

interface OpenMenu {
  readonly element: HTMLElement;
  readonly close: () => void;
}

let open: OpenMenu | undefined;

/**
 * Opens a menu; at most one is open. It takes the keyboard and gives it back when it closes.
 * @param items asked again after each choice of an item that stays
 */
export function openMenu(label: string, anchor: Anchor, items: () => readonly MenuItem[]): void {
  open?.close();
  const before = document.activeElement;
  const element = el("div", { class: "menu", role: "menu", label, tabIndex: -1 });
  const abort = new AbortController();
  const listening = { signal: abort.signal } as const;
  const close = (giveBack = true): void => {
    if (open?.element !== element) return;
    open = undefined;
    abort.abort();
    element.remove();
    if (giveBack && before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
  };
  open = { element, close };
  const fill = (focus: number): void => {
    element.replaceChildren(...items().map((item) => line(item, choose)));
    const lines = linesOf(element);
    (lines[focus] ?? lines[0])?.focus({ preventScroll: true });
  };
  const choose = (item: Exclude<MenuItem, { kind: "separator" }>, at: HTMLElement): void => {
    if (item.disabledBecause !== undefined) return;
    const position = linesOf(element).indexOf(at);
    if (!item.stays) close();
    item.run();
    if (item.stays) fill(position);
  };
  element.addEventListener("keydown", (event) => onKey(event, element, close));
  element.addEventListener("contextmenu", (event) => event.preventDefault());
  document.addEventListener(
    "pointerdown",
    (event) => {
      if (!event.composedPath().includes(element)) close(false);
    },
    { ...listening, capture: true },
  );
  window.addEventListener("blur", () => close(), listening);
  window.addEventListener("resize", () => close(), listening);
  document.body.append(element);
  const current = items()
    .filter((item) => item.kind !== "separator")
    .findIndex((item) => item.kind === "radio" && item.checked);
  fill(Math.max(0, current));
  placeBeside(element, anchor);
}

/** Closes the menu that is open, if one is. */
export function closeMenu(): void {
  open?.close();
}

function linesOf(menu: HTMLElement): HTMLElement[] {
  return [...menu.querySelectorAll<HTMLElement>("[role^=menuitem]")];
}

const roles = { action: "menuitem", check: "menuitemcheckbox", radio: "menuitemradio" } as const;

function line(
  item: MenuItem,
  choose: (item: Exclude<MenuItem, { kind: "separator" }>, at: HTMLElement) => void,
): HTMLElement {
  if (item.kind === "separator") return el("div", { class: "menu-rule", role: "separator" });
  const said = [item.label, item.disabledBecause ?? item.hint].filter(Boolean).join(", ");
  const element = el("div", { class: "menu-item", role: roles[item.kind], label: said, tabIndex: -1 });
  if (item.kind !== "action") element.setAttribute("aria-checked", String(item.checked === true));
  if (item.disabledBecause !== undefined) {
    element.setAttribute("aria-disabled", "true");
    element.title = item.disabledBecause;
  }
  element.append(el("span", { class: "menu-check" }, ...(item.checked ? [icon("check")] : [])));
  element.append(...(item.content ?? [el("span", { class: "menu-label", text: item.label })]));
  if (item.hint !== undefined) element.append(el("span", { class: "menu-hint", text: item.hint }));
  element.addEventListener("click", () => choose(item, element));
  element.addEventListener("pointermove", () => element.focus({ preventScroll: true }));
  return element;
}

function onKey(event: KeyboardEvent, menu: HTMLElement, close: () => void): void {
  const lines = linesOf(menu);
  const at = lines.indexOf(document.activeElement as HTMLElement);
  const go = (to: number): void => lines[(to + lines.length) % lines.length]?.focus({ preventScroll: true });
  switch (event.key) {
    case "ArrowDown":
      go(at + 1);
      break;
    case "ArrowUp":
      go(at < 0 ? -1 : at - 1);
      break;
    case "Home":
      go(0);
      break;
    case "End":
      go(-1);
      break;
    case "Enter":
    case " ":
      lines[at]?.click();
      break;
    case "Escape":
    case "Tab":
      close();
      break;
    default: {
      const next = startingWith(lines, at, event.key);
      if (next === undefined) return;
      next.focus({ preventScroll: true });
    }
  }
  event.preventDefault();
  event.stopPropagation();
}

/** The next line that starts with a typed letter or digit. */
function startingWith(lines: readonly HTMLElement[], at: number, key: string): HTMLElement | undefined {
  if (key.length !== 1) return undefined;
  const rotated = [...lines.slice(at + 1), ...lines.slice(0, at + 1)];
  return rotated.find((l) => l.getAttribute("aria-label")?.toLowerCase().startsWith(key.toLowerCase()));
}
