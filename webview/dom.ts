/** What an element starts with; everything that changes later goes through the setters below. */
export interface Parts {
  readonly class?: string;
  readonly text?: string;
  readonly role?: string;
  readonly label?: string;
  readonly title?: string;
  readonly tabIndex?: number;
  readonly data?: Readonly<Record<string, string>>;
  readonly attributes?: Readonly<Record<string, string>>;
}

export type Child = Node | string;

/** A new element. Text goes in as text, never as HTML: names come from files. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  parts: Parts = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (parts.class !== undefined) element.className = parts.class;
  if (parts.text !== undefined) element.textContent = parts.text;
  if (parts.role !== undefined) element.setAttribute("role", parts.role);
  if (parts.label !== undefined) element.setAttribute("aria-label", parts.label);
  if (parts.title !== undefined) element.title = parts.title;
  if (parts.tabIndex !== undefined) element.tabIndex = parts.tabIndex;
  for (const [name, value] of Object.entries(parts.data ?? {})) element.dataset[name] = value;
  for (const [name, value] of Object.entries(parts.attributes ?? {})) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Writes text only where it differs: a drag updates hundreds of cells a frame, most of them with what they have. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function setAttribute(element: Element, name: string, value: string | undefined): void {
  if (value === undefined) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
  } else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

export function setClass(element: Element, name: string, on: boolean): void {
  if (element.classList.contains(name) !== on) element.classList.toggle(name, on);
}

export function setTitle(element: HTMLElement, title: string): void {
  if (element.title !== title) element.title = title;
}

/** Hides an element from sight and from assistive technology. */
export function setShown(element: HTMLElement, shown: boolean): void {
  if (element.hidden === shown) element.hidden = !shown;
}

/** A custom property or a rule set through the CSSOM, which the page's policy allows (a style attribute in markup it does not). */
export function setStyle(element: HTMLElement, property: string, value: string): void {
  if (element.style.getPropertyValue(property) !== value) element.style.setProperty(property, value);
}

/** Replaces the children only when they are others. */
export function setChildren(element: Element, children: readonly Node[]): void {
  const same =
    element.childNodes.length === children.length && children.every((child, i) => element.childNodes[i] === child);
  if (!same) element.replaceChildren(...children);
}
