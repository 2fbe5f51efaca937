/**
 * Imported before the toolkit. While it loads, @microsoft/fast-web-utilities asks whether the browser knows :focus-visible, by a rule in
 * an inline <style> that it puts into the head and takes out again; the page's policy forbids that. This hands it a sheet that was made by
 * script instead and leaves the head alone: the answer is the right one, and nothing is blocked. (The way out that the library offers, a
 * nonce for styles in a meta element, would weaken the policy for good.)
 */
const { head } = document;
const { appendChild, removeChild } = Element.prototype;

head.appendChild = <T extends Node>(node: T): T => {
  if (!(node instanceof HTMLStyleElement)) return appendChild.call(head, node) as T;
  Object.defineProperty(node, "sheet", { value: new CSSStyleSheet() });
  return node;
};
head.removeChild = <T extends Node>(node: T): T =>
  node instanceof HTMLStyleElement ? node : (removeChild.call(head, node) as T);

/** Ends it; called as soon as the toolkit is there. */
export function endProbe(): void {
  Reflect.deleteProperty(head, "appendChild");
  Reflect.deleteProperty(head, "removeChild");
}
