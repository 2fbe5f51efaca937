import type { Bits } from "../../src/core/hardware/profile.ts";

/** The page's colours as a canvas takes them, and its font; read anew when the theme changes. */
export interface Tokens {
  readonly font: string;
  readonly foreground: string;
  readonly muted: string;
  readonly grid: string;
  readonly axis: string;
  readonly background: string;
  readonly blue: string;
  readonly loss: string;
  /** Bars that are only counts. */
  readonly use: string;
  readonly focus: string;
  readonly target: string;
  readonly selection: string;
  readonly bitEdge: string;
  readonly bits: Readonly<Record<Bits, string>>;
  /** High contrast: patterns in place of shades, outlines in place of fills. */
  readonly contrast: boolean;
}

/** The custom properties are registered as colours (styles/tokens.css), so what is read here is resolved: no var(), no mix. */
export function readTokens(): Tokens {
  const style = getComputedStyle(document.body);
  const colour = (name: string): string => style.getPropertyValue(`--sq-${name}`).trim();
  return {
    font: style.fontFamily,
    foreground: colour("foreground"),
    muted: colour("muted"),
    grid: colour("grid"),
    axis: colour("axis"),
    background: colour("panel"),
    blue: colour("blue"),
    loss: colour("loss"),
    use: colour("histogram"),
    focus: colour("focus"),
    target: colour("target"),
    selection: colour("selection"),
    bitEdge: colour("bit-edge"),
    bits: {
      2: colour("b2"),
      3: colour("b3"),
      4: colour("b4"),
      5: colour("b5"),
      6: colour("b6"),
      7: colour("b7"),
      8: colour("b8"),
    },
    contrast:
      document.body.classList.contains("vscode-high-contrast") ||
      document.body.classList.contains("vscode-high-contrast-light"),
  };
}

/** Calls `changed` when VS Code has changed the theme: its classes on the body, or its variables on the root. */
export function watchTheme(changed: () => void): void {
  const observer = new MutationObserver(changed);
  observer.observe(document.body, { attributes: true, attributeFilter: ["class"] });
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ["style"] });
}
