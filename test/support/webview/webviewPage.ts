import { randomBytes } from "node:crypto";
import * as esbuild from "esbuild";
import type { Browser, BrowserContext, Locator, Page } from "playwright-core";
import { webviewBuild } from "../../../esbuild.mjs";
import { editorPageHtml } from "../../../src/protocol/editorPage.ts";
import { bodyClasses, type ThemeName, themes } from "./themes.ts";

/** Where the page seems to come from; nothing is fetched from anywhere: every request is answered here. */
const origin = "https://webview.test";

/** How long a thing on the page may take to come. Every wait is for a condition; this is only when to give up. */
const timeoutMs = 10_000;

/** A page as it ships. */
export interface BuiltPage {
  readonly script: string;
  readonly style: string;
}

/** Names of the pages: those of esbuild's entries. */
export type PageName = "main" | "devices";

let built: Promise<esbuild.BuildResult> | undefined;

/** Builds the pages once for all tests of a file, minified as in the package. */
export async function buildPage(name: PageName = "main"): Promise<BuiltPage> {
  built ??= esbuild.build({ ...webviewBuild({ production: true }), write: false, sourcemap: false });
  const { outputFiles } = await built;
  const text = (file: string): string => outputFiles?.find(({ path }) => path.endsWith(`/${file}`))?.text ?? "";
  return { script: text(`${name}.js`), style: text(`${name}.css`) };
}

/** What VS Code puts into every webview before the page's own head. */
const defaultStyles = `
html { scrollbar-color: var(--vscode-scrollbarSlider-background) var(--vscode-editor-background); }
body { overscroll-behavior-x: none; background-color: transparent; color: var(--vscode-editor-foreground);
  font-family: var(--vscode-font-family); font-weight: var(--vscode-font-weight); font-size: var(--vscode-font-size);
  margin: 0; padding: 0 20px; }
a, a code { color: var(--vscode-textLink-foreground); }
code { color: var(--vscode-textPreformat-foreground); }
::-webkit-scrollbar { width: 10px; height: 10px; }
::-webkit-scrollbar-thumb { background-color: var(--vscode-scrollbarSlider-background); }
`;

/**
 * Runs before the page's script, as VS Code's own: theme variables on the root, and acquireVsCodeApi, which here records messages. The
 * state is kept in the window's session, so that a reload finds it.
 */
function preload(variables: Readonly<Record<string, string>>): string {
  return `(() => {
    const variables = ${JSON.stringify(variables)};
    const dress = () => {
      if (!document.documentElement) return false;
      for (const [name, value] of Object.entries(variables)) document.documentElement.style.setProperty(name, value);
      return true;
    };
    if (!dress()) new MutationObserver((_, o) => { if (dress()) o.disconnect(); }).observe(document, { childList: true });
    // Another number in the address is another person: what the last one left is gone. A reload keeps the address.
    if (sessionStorage.getItem("visit") !== location.search) {
      sessionStorage.clear();
      sessionStorage.setItem("visit", location.search);
    }
    window.__messages = [];
    window.__violations = [];
    window.__errors = [];
    document.addEventListener("securitypolicyviolation", (e) => {
      window.__violations.push(e.violatedDirective + " " + e.blockedURI + " " + e.sourceFile + ":" + e.lineNumber + " " + e.sample);
    });
    window.addEventListener("error", (e) => window.__errors.push(String(e.message)));
    window.acquireVsCodeApi = () => ({
      postMessage: (m) => window.__messages.push(structuredClone(m)),
      getState: () => JSON.parse(sessionStorage.getItem("state") ?? "null") ?? undefined,
      setState: (s) => sessionStorage.setItem("state", JSON.stringify(s)),
    });
  })()`;
}

export interface WindowOptions {
  readonly theme?: ThemeName;
  readonly width?: number;
  readonly height?: number;
  readonly reducedMotion?: boolean;
}

/** A message, as far as the harness looks at it. */
interface Message {
  readonly type: string;
}

/** A page of the extension in a real browser under its real policy, with the extension's side in the test's hands. */
export class WebviewPage<Out extends Message> {
  private visits = 0;

  protected constructor(
    readonly page: Page,
    private readonly context: BrowserContext,
  ) {}

  /** A window in which nothing is open yet. */
  protected static async openWindow(
    browser: Browser,
    name: PageName,
    { theme = "dark", width = 1280, height = 860, reducedMotion = false }: WindowOptions,
  ): Promise<{ readonly page: Page; readonly context: BrowserContext }> {
    const { script, style } = await buildPage(name);
    const context = await browser.newContext({
      viewport: { width, height },
      reducedMotion: reducedMotion ? "reduce" : "no-preference",
    });
    const page = await context.newPage();
    page.setDefaultTimeout(timeoutMs);
    await page.addInitScript(preload(themes[theme]));
    await page.route("**/*", (route) => {
      const { pathname } = new URL(route.request().url());
      if (pathname === "/page.js") return route.fulfill({ contentType: "text/javascript", body: script });
      if (pathname === "/page.css") return route.fulfill({ contentType: "text/css", body: style });
      if (pathname !== "/") return route.abort();
      const html = editorPageHtml({
        cspSource: origin,
        nonce: randomBytes(16).toString("base64"),
        scriptUri: `${origin}/page.js`,
        styleUri: `${origin}/page.css`,
      });
      const dressed = html
        .replace("<head>", `<head><style id="_defaultStyles">${defaultStyles}</style>`)
        .replace(
          "<body ",
          `<body class="${bodyClasses[theme]}" data-vscode-theme-kind="${bodyClasses[theme].split(" ")[0]}" `,
        );
      return route.fulfill({ contentType: "text/html", body: dressed });
    });
    return { page, context };
  }

  /** Opens the page anew, without anything that was there before. */
  protected async goTo({ width = 1280, height = 860 }: WindowOptions): Promise<void> {
    this.visits++;
    await this.page.mouse.move(0, 0);
    await this.page.setViewportSize({ width, height });
    await this.page.goto(`${origin}/?${this.visits}`);
    await this.ready();
  }

  private async ready(): Promise<void> {
    await this.until("window.__messages.some((m) => m.type === 'ready')");
  }

  /** Hands something to the page's window, as the extension does with messages, and as others may. */
  async post(message: unknown): Promise<void> {
    await this.page.evaluate(`window.postMessage(${JSON.stringify(message)}, "*")`);
  }

  /** Waits until what was sent is drawn. */
  async drawn(): Promise<void> {
    await this.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
  }

  /** All messages since the page was opened or `forget` was called. */
  async messages(): Promise<readonly Out[]> {
    return (await this.page.evaluate("window.__messages")) as Out[];
  }

  async forget(): Promise<void> {
    await this.page.evaluate("window.__messages.length = 0");
  }

  /** Waits for a message that has these members. */
  async message(part: Partial<Out> & { readonly type: Out["type"] }): Promise<Out> {
    const wanted = JSON.stringify(Object.entries(part));
    const found = `window.__messages.find((m) => ${wanted}.every(([k, v]) => JSON.stringify(m[k]) === JSON.stringify(v)))`;
    return (await this.until(found)) as Out;
  }

  /** Waits until an expression is true in the page. (Playwright's own wait evaluates text there, which the policy forbids.) */
  async until(expression: string): Promise<unknown> {
    const end = Date.now() + timeoutMs;
    for (;;) {
      const value = await this.page.evaluate(expression);
      if (value) return value;
      if (Date.now() > end) throw new Error(`Not within ${timeoutMs / 1000} s: ${expression}`);
      await this.page.evaluate("new Promise((done) => requestAnimationFrame(done))");
    }
  }

  /** Violations of the policy and script errors so far: none is what is right. */
  async complaints(): Promise<readonly string[]> {
    return (await this.page.evaluate("[...window.__violations, ...window.__errors]")) as string[];
  }

  async reload(): Promise<void> {
    await this.page.reload();
    await this.ready();
  }

  /** What an expression makes of the first element in sight that a CSS selector finds; `e` is the element. */
  async read(selector: string, expression: string): Promise<unknown> {
    const visible = `[...document.querySelectorAll(${JSON.stringify(selector)})].find((e) => e.checkVisibility())`;
    return this.page.evaluate(`((e) => { return ${expression}; })(${visible})`);
  }

  find(selector: string): Locator {
    return this.page.locator(selector);
  }

  async close(): Promise<void> {
    await this.context.close();
  }
}
