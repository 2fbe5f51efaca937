import { randomBytes } from "node:crypto";
import * as esbuild from "esbuild";
import type { Browser, BrowserContext, Locator, Page } from "playwright-core";
import { webviewBuild } from "../../../esbuild.mjs";
import type { EditorSnapshot, FromPage, ToPage } from "../../../src/protocol/editor.ts";
import { editorPageHtml } from "../../../src/protocol/editorPage.ts";
import { bodyClasses, type ThemeName, themes } from "./themes.ts";

/** Where the page seems to come from; nothing is fetched from anywhere: every request is answered here. */
const origin = "https://webview.test";

/** How long a thing on the page may take to come. Every wait is for a condition; this is only when to give up. */
const timeoutMs = 10_000;

/** The page as it ships. */
export interface BuiltPage {
  readonly script: string;
  readonly style: string;
}

let built: Promise<BuiltPage> | undefined;

/** Builds the page once for all tests of a file, minified as in the package. */
export function buildPage(): Promise<BuiltPage> {
  built ??= esbuild.build({ ...webviewBuild({ production: true }), write: false, sourcemap: false }).then((result) => {
    const text = (end: string): string => result.outputFiles?.find((f) => f.path.endsWith(end))?.text ?? "";
    return { script: text("main.js"), style: text("main.css") };
  });
  return built;
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

export interface OpenOptions {
  readonly theme?: ThemeName;
  readonly width?: number;
  readonly height?: number;
  /** Sent as soon as the page is ready. */
  readonly snapshot?: EditorSnapshot;
  readonly reducedMotion?: boolean;
}

/** Opens the page, hands it to a test, and closes it; the page must have had no complaint. */
export type WithPage = (options: OpenOptions, test: (editor: EditorPage) => Promise<void>) => Promise<void>;

/**
 * Makes the pages of a file's tests in one browser. A window is used again for the next test with the same theme: the document is another
 * one, the window's state is not kept, and opening it takes a third of the time.
 */
export function pagesOf(browser: () => Browser): WithPage {
  const windows = new Map<string, EditorPage>();
  return async (options, test) => {
    const key = options.theme ?? "dark";
    const before = windows.get(key);
    windows.delete(key);
    const editor = before ?? (await EditorPage.open(browser(), options));
    if (before) await before.visit(options);
    await test(editor);
    const complaints = await editor.complaints();
    if (complaints.length > 0) throw new Error(`The page complained:\n${complaints.join("\n")}`);
    // After a failure it is not used again.
    windows.set(key, editor);
  };
}

/** The editor's page in a real browser under its real policy, with the extension's side in the test's hands. */
export class EditorPage {
  private visits = 0;

  private constructor(
    readonly page: Page,
    private readonly context: BrowserContext,
  ) {}

  static async open(browser: Browser, options: OpenOptions = {}): Promise<EditorPage> {
    const { theme = "dark", width = 1280, height = 860 } = options;
    const { script, style } = await buildPage();
    const context = await browser.newContext({
      viewport: { width, height },
      reducedMotion: options.reducedMotion ? "reduce" : "no-preference",
    });
    const page = await context.newPage();
    page.setDefaultTimeout(timeoutMs);
    await page.addInitScript(preload(themes[theme]));
    await page.route("**/*", (route) => {
      const { pathname } = new URL(route.request().url());
      if (pathname === "/main.js") return route.fulfill({ contentType: "text/javascript", body: script });
      if (pathname === "/main.css") return route.fulfill({ contentType: "text/css", body: style });
      if (pathname !== "/") return route.abort();
      const html = editorPageHtml({
        cspSource: origin,
        nonce: randomBytes(16).toString("base64"),
        scriptUri: `${origin}/main.js`,
        styleUri: `${origin}/main.css`,
      });
      const dressed = html
        .replace("<head>", `<head><style id="_defaultStyles">${defaultStyles}</style>`)
        .replace(
          "<body ",
          `<body class="${bodyClasses[theme]}" data-vscode-theme-kind="${bodyClasses[theme].split(" ")[0]}" `,
        );
      return route.fulfill({ contentType: "text/html", body: dressed });
    });
    const editor = new EditorPage(page, context);
    await editor.visit(options);
    return editor;
  }

  /** Opens the page anew, without anything that was there before. */
  async visit({ width = 1280, height = 860, snapshot }: OpenOptions): Promise<void> {
    this.visits++;
    await this.page.mouse.move(0, 0);
    await this.page.setViewportSize({ width, height });
    await this.page.goto(`${origin}/?${this.visits}`);
    await this.ready();
    if (snapshot) await this.show(snapshot);
  }

  private async ready(): Promise<void> {
    await this.until("window.__messages.some((m) => m.type === 'ready')");
  }

  /** Sends a message as the extension does. */
  async send(message: ToPage): Promise<void> {
    await this.page.evaluate(`window.postMessage(${JSON.stringify(message)}, "*")`);
  }

  /** Sends a snapshot and waits until it is drawn. */
  async show(snapshot: EditorSnapshot): Promise<void> {
    await this.send({ type: "snapshot", snapshot });
    await this.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
  }

  /** All messages since the page was opened or `forget` was called. */
  async messages(): Promise<readonly FromPage[]> {
    return (await this.page.evaluate("window.__messages")) as FromPage[];
  }

  async forget(): Promise<void> {
    await this.page.evaluate("window.__messages.length = 0");
  }

  /** Waits for a message that has these members. */
  async message(part: Partial<FromPage> & { readonly type: FromPage["type"] }): Promise<FromPage> {
    const wanted = JSON.stringify(Object.entries(part));
    const found = `window.__messages.find((m) => ${wanted}.every(([k, v]) => JSON.stringify(m[k]) === JSON.stringify(v)))`;
    return (await this.until(found)) as FromPage;
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

  row(layer: string): Locator {
    return this.page.locator(`.row[data-layer="${layer}"]`);
  }

  /** Names of the rows that exist, from top to bottom. */
  async rowNames(): Promise<readonly string[]> {
    return (await this.page.evaluate(`[...document.querySelectorAll(".row")]
      .sort((a, b) => Number(a.getAttribute("aria-rowindex")) - Number(b.getAttribute("aria-rowindex")))
      .map((row) => row.dataset.layer)`)) as string[];
  }

  async close(): Promise<void> {
    await this.context.close();
  }
}
