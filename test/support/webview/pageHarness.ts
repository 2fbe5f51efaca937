import type { Browser, Locator } from "playwright-core";
import type { EditorSnapshot, FromPage, ToPage } from "../../../src/protocol/editor.ts";
import { WebviewPage, type WindowOptions } from "./webviewPage.ts";

export interface OpenOptions extends WindowOptions {
  /** Sent as soon as the page is ready. */
  readonly snapshot?: EditorSnapshot;
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

/** The model editor's page. */
export class EditorPage extends WebviewPage<FromPage> {
  static async open(browser: Browser, options: OpenOptions = {}): Promise<EditorPage> {
    const { page, context } = await WebviewPage.openWindow(browser, "main", options);
    const editor = new EditorPage(page, context);
    await editor.visit(options);
    return editor;
  }

  /** Opens the page anew, without anything that was there before. */
  async visit(options: OpenOptions): Promise<void> {
    await this.goTo(options);
    if (options.snapshot) await this.show(options.snapshot);
  }

  /** Sends a message as the extension does. */
  async send(message: ToPage): Promise<void> {
    await this.post(message);
  }

  /** Sends a snapshot and waits until it is drawn. */
  async show(snapshot: EditorSnapshot): Promise<void> {
    await this.send({ type: "snapshot", snapshot });
    await this.drawn();
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
}
