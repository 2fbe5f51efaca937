/**
 * The page's controls: the only file that knows @vscode/webview-ui-toolkit. The toolkit was archived in January 2025; a successor has
 * to offer what is exported here, and its looks are in styles/controls.css.
 */

// Has to come before the toolkit; an import for its effect is not sorted.
import "./ui/focusVisibleProbe.ts";
import {
  type Dropdown,
  provideVSCodeDesignSystem,
  type TextField,
  vsCodeButton,
  vsCodeCheckbox,
  vsCodeDropdown,
  vsCodeOption,
  vsCodePanels,
  vsCodePanelTab,
  vsCodePanelView,
  vsCodeProgressRing,
  vsCodeTextField,
} from "@vscode/webview-ui-toolkit";
import { el, setAttribute, setShown, setText, setTitle } from "./dom.ts";
import { endProbe } from "./ui/focusVisibleProbe.ts";
import { drawIcon, type IconName, icon } from "./ui/icons.ts";

endProbe();
provideVSCodeDesignSystem().register(
  vsCodeButton(),
  vsCodeCheckbox(),
  vsCodeDropdown(),
  vsCodeOption(),
  vsCodePanels(),
  vsCodePanelTab(),
  vsCodePanelView(),
  vsCodeProgressRing(),
  vsCodeTextField(),
);

/** A control: its element, and what changes in it later. */
export interface ButtonControl {
  readonly element: HTMLElement;
  label(text: string): void;
  /** Disabled with a reason, which its hover says; undefined = enabled. */
  disable(because: string | undefined): void;
  show(shown: boolean): void;
}

export interface ButtonParts {
  readonly label: string;
  readonly look?: "primary" | "secondary";
  readonly icon?: IconName;
  readonly title?: string;
  readonly run: () => void;
}

/** A push button with text. */
export function button(parts: ButtonParts): ButtonControl {
  const element = document.createElement("vscode-button");
  element.setAttribute("appearance", parts.look ?? "secondary");
  const text = document.createTextNode(parts.label);
  if (parts.icon) {
    const picture = icon(parts.icon);
    picture.setAttribute("slot", "start");
    element.append(picture);
  }
  element.append(text);
  setTitle(element, parts.title ?? "");
  element.addEventListener("click", () => {
    if (!element.hasAttribute("disabled")) parts.run();
  });
  return {
    element,
    label: (label) => {
      if (text.data !== label) text.data = label;
    },
    disable: (because) => {
      setAttribute(element, "disabled", because === undefined ? undefined : "");
      setTitle(element, because ?? parts.title ?? "");
    },
    show: (shown) => setShown(element, shown),
  };
}

export interface IconButtonControl {
  readonly element: HTMLElement;
  label(text: string): void;
  icon(name: IconName): void;
  press(pressed: boolean): void;
  show(shown: boolean): void;
}

/** A square button with a picture; its label is its hover. */
export function iconButton(name: IconName, label: string, run: (at: HTMLElement) => void): IconButtonControl {
  const element = document.createElement("vscode-button");
  const picture = icon(name);
  element.setAttribute("appearance", "icon");
  element.setAttribute("aria-label", label);
  element.title = label;
  element.append(picture);
  element.addEventListener("click", () => run(element));
  return {
    element,
    label: (text) => {
      setAttribute(element, "aria-label", text);
      setTitle(element, text);
    },
    icon: (other) => drawIcon(picture, other),
    press: (pressed) => setAttribute(element, "aria-pressed", String(pressed)),
    show: (shown) => setShown(element, shown),
  };
}

export interface DropdownOption {
  readonly value: string;
  readonly label: string;
}

export interface DropdownControl {
  readonly element: HTMLElement;
  /** Shows the options and the chosen one; the remark is secondary text after it. Does nothing while the list is open. */
  update(options: readonly DropdownOption[], value: string, remark?: string): void;
}

/** A dropdown. `chosen` is called for a person's choice only; what is shown stays until the next `update`. */
export function dropdown(
  label: string,
  iconName: IconName | undefined,
  chosen: (value: string) => void,
): DropdownControl {
  const element = document.createElement("vscode-dropdown") as Dropdown;
  element.setAttribute("aria-label", label);
  const name = el("span", { class: "dropdown-name" });
  const remark = el("span", { class: "dropdown-remark" });
  const value = el("span", { class: "dropdown-value", attributes: { slot: "selected-value" } }, name, remark);
  const arrow = icon("chevronDown");
  arrow.setAttribute("slot", "indicator");
  const fixed: Element[] = [value, arrow];
  if (iconName) {
    const picture = icon(iconName);
    picture.setAttribute("slot", "start");
    fixed.unshift(picture);
  }
  element.append(...fixed);
  let shown = "";
  let current = "";
  element.addEventListener("change", () => {
    const picked = element.value;
    // The page shows what the host says: until it answers, the dropdown keeps what it had.
    element.value = current;
    if (picked !== current) chosen(picked);
  });
  return {
    element,
    update: (options, selected, text = "") => {
      const key = JSON.stringify(options);
      if (key !== shown && !element.open) {
        shown = key;
        for (const old of element.querySelectorAll("vscode-option")) old.remove();
        element.append(...options.map(optionElement));
        element.value = selected;
      }
      current = selected;
      if (element.value !== selected && !element.open) element.value = selected;
      const label = options.find((o) => o.value === selected)?.label ?? "";
      setText(name, label);
      setText(remark, text);
      setTitle(element, [label, text].filter(Boolean).join(", "));
    },
  };
}

function optionElement(option: DropdownOption): HTMLElement {
  const element = document.createElement("vscode-option");
  element.setAttribute("value", option.value);
  element.textContent = option.label;
  return element;
}

export interface TextFieldControl {
  readonly element: HTMLElement;
  readonly value: string;
  /** Writes the value unless someone is typing. */
  update(value: string): void;
  set(value: string): void;
  placeholder(text: string): void;
  invalid(because: string | undefined): void;
  focus(): void;
}

export interface TextFieldParts {
  readonly label: string;
  readonly icon?: IconName;
  readonly typed?: (value: string) => void;
  /** Enter, or the field is left with another value. */
  readonly entered?: (value: string) => void;
  readonly escaped?: () => void;
}

/** A line of text. */
export function textField(parts: TextFieldParts): TextFieldControl {
  const element = document.createElement("vscode-text-field") as TextField;
  if (parts.icon) {
    const picture = icon(parts.icon);
    picture.setAttribute("slot", "start");
    element.append(picture);
  }
  element.setAttribute("spellcheck", "false");
  // The toolkit puts "Text field" in place of a label when it connects, which is before the next microtask.
  queueMicrotask(() => element.setAttribute("aria-label", parts.label));
  element.addEventListener("input", () => parts.typed?.(element.value));
  element.addEventListener("change", () => parts.entered?.(element.value));
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    parts.escaped?.();
    event.stopPropagation();
  });
  return {
    element,
    get value() {
      return element.value;
    },
    update: (value) => {
      if (element.value !== value && !element.matches(":focus-within")) element.value = value;
    },
    set: (value) => {
      if (element.value !== value) element.value = value;
    },
    placeholder: (text) => setAttribute(element, "placeholder", text),
    invalid: (because) => {
      setAttribute(element, "aria-invalid", because === undefined ? undefined : "true");
      setTitle(element, because ?? "");
    },
    focus: () => element.focus(),
  };
}

/** A box to check, with text. */
export function checkbox(
  label: string,
  changed: (checked: boolean) => void,
): { readonly element: HTMLElement; update(checked: boolean, label?: string): void } {
  const element = document.createElement("vscode-checkbox") as HTMLElement & { checked: boolean };
  element.textContent = label;
  element.addEventListener("change", () => changed(element.checked));
  return {
    element,
    update: (checked, text = label) => {
      if (element.checked !== checked) element.checked = checked;
      setText(element, text);
      // The toolkit takes the text as the label only once.
      setAttribute(element, "aria-label", text);
    },
  };
}

export interface TabsControl {
  readonly element: HTMLElement;
  select(id: string): void;
}

/** Tabs over their views, with controls before and after the tabs. */
export function tabs(
  label: string,
  all: readonly { readonly id: string; readonly title: string; readonly view: HTMLElement }[],
  around: { readonly before: HTMLElement; readonly after: HTMLElement },
  selected: (id: string) => void,
): TabsControl {
  const element = document.createElement("vscode-panels") as HTMLElement & { activeid: string };
  element.setAttribute("aria-label", label);
  element.setAttribute("activeindicator", "false");
  around.before.setAttribute("slot", "start");
  around.after.setAttribute("slot", "end");
  element.append(
    around.before,
    ...all.map(({ id, title }) => {
      const tab = document.createElement("vscode-panel-tab");
      tab.id = `tab-${id}`;
      tab.textContent = title;
      return tab;
    }),
    ...all.map(({ id, view }) => {
      const panel = document.createElement("vscode-panel-view");
      panel.id = `view-${id}`;
      panel.append(view);
      return panel;
    }),
    around.after,
  );
  element.addEventListener("change", (event) => {
    // Controls inside the views send changes of their own.
    if (event.target === element) selected(element.activeid.replace(/^tab-/, ""));
  });
  return {
    element,
    select: (id) => {
      if (element.activeid !== `tab-${id}`) element.activeid = `tab-${id}`;
    },
  };
}

/** Something is under way and can't be counted. Text beside it says what; assistive technology reads that. */
export function progressRing(): HTMLElement {
  const element = document.createElement("vscode-progress-ring");
  queueMicrotask(() => {
    element.setAttribute("role", "presentation");
    element.setAttribute("aria-hidden", "true");
    element.removeAttribute("aria-live");
  });
  return element;
}
