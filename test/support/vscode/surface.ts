import type { FrameLocator, Locator, Page } from "playwright-core";
import { until } from "./until.ts";

/** How long a thing on the screen may take to come. Every wait is for a condition; this is only when to give up. */
export const uiTimeoutMs = 60_000;

/** Options of a click. */
export interface ClickOptions {
  readonly button?: "left" | "right";
  readonly clickCount?: number;
  readonly modifiers?: readonly ("Alt" | "Control" | "ControlOrMeta" | "Meta" | "Shift")[];
}

/** What is used of a document's window here, where there are no types of the DOM. */
interface FrameSource {
  requestAnimationFrame(callback: (now: number) => void): void;
}

/** A rectangle in CSS pixels of the window. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * What a person sees and does in one document: the workbench's own, or a webview's. Arguments and results are plain data, so that
 * a test inside the extension host can call it from afar. Selectors are Playwright's (CSS, `role=button[name="Analyze"]`,
 * `text=...`); they see into open shadow roots. Where several elements match, the first is taken.
 */
export class Surface {
  /** @param pictureFile where the picture of that name goes */
  constructor(
    private readonly root: () => Page | FrameLocator,
    private readonly pictureFile: (name: string) => string,
  ) {}

  /** Milliseconds between two marks of the document's performance timeline; waits for the second. */
  async between(from: string, to: string): Promise<number> {
    const measure = async (): Promise<number | undefined> =>
      this.first("body").evaluate(
        (_, [start = "", end = ""]) =>
          performance.getEntriesByName(end).length > 0
            ? performance.measure("between", start, end).duration
            : undefined,
        [from, to],
      );
    return until(measure, uiTimeoutMs);
  }

  private first(selector: string): Locator {
    return this.root().locator(selector).first();
  }

  async click(selector: string, options: ClickOptions = {}): Promise<void> {
    const { modifiers, ...rest } = options;
    const extra = modifiers === undefined ? {} : { modifiers: [...modifiers] };
    await this.first(selector).click({ ...rest, ...extra, timeout: uiTimeoutMs });
  }

  async hover(selector: string): Promise<void> {
    await this.first(selector).hover({ timeout: uiTimeoutMs });
  }

  async focus(selector: string): Promise<void> {
    await this.first(selector).focus({ timeout: uiTimeoutMs });
  }

  /** Replaces the text of an input. */
  async fill(selector: string, text: string): Promise<void> {
    await this.first(selector).fill(text, { timeout: uiTimeoutMs });
  }

  /** Focuses the element and presses a key, such as "ArrowDown" or "Control+A". */
  async press(selector: string, key: string): Promise<void> {
    await this.first(selector).press(key, { timeout: uiTimeoutMs });
  }

  /** Chooses in a native <select>, by value or by label. */
  async select(selector: string, choice: string): Promise<void> {
    await this.first(selector).selectOption(choice, { timeout: uiTimeoutMs });
  }

  /** Drags from the middle of the element by so many pixels. */
  async drag(selector: string, dx: number, dy: number): Promise<void> {
    const element = this.first(selector);
    await element.scrollIntoViewIfNeeded({ timeout: uiTimeoutMs });
    const box = await element.boundingBox({ timeout: uiTimeoutMs });
    if (box === null) throw new Error(`${selector} is not on the screen`);
    const mouse = element.page().mouse;
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    await mouse.move(x, y);
    await mouse.down();
    // Several moves, as a hand makes them.
    await mouse.move(x + dx, y + dy, { steps: 8 });
    await mouse.up();
  }

  /**
   * Drags from the middle of the element to and fro, a move for each frame, as long as so many frames take, and lets go at `dx`.
   * @returns milliseconds between the frames that the document drew meanwhile
   */
  async dragFrames(selector: string, dx: number, frames: number): Promise<readonly number[]> {
    const element = this.first(selector);
    const box = await this.box(selector);
    const mouse = element.page().mouse;
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    await mouse.move(x, y);
    await mouse.down();
    const gaps = element.evaluate(
      (node, count) =>
        new Promise<readonly number[]>((resolve) => {
          const view = node.ownerDocument.defaultView as unknown as FrameSource;
          const found: number[] = [];
          let last: number | undefined;
          const next = (now: number) => {
            if (last !== undefined) found.push(now - last);
            last = now;
            if (found.length < count) view.requestAnimationFrame(next);
            else resolve(found);
          };
          view.requestAnimationFrame(next);
        }),
      frames,
    );
    let drawn: readonly number[] | undefined;
    void gaps.then((all) => {
      drawn = all;
    });
    for (let step = 1; drawn === undefined; step++) await mouse.move(x + dx * Math.sin(step / 20), y);
    await mouse.move(x + dx, y);
    await mouse.up();
    return gaps;
  }

  /** The visible text of the first match, once there is one. */
  async text(selector: string): Promise<string> {
    // Not textContent: what a person sees, without what is hidden.
    return this.first(selector).innerText({ timeout: uiTimeoutMs });
  }

  /** The visible texts of all that match now. */
  async texts(selector: string): Promise<readonly string[]> {
    return this.root().locator(selector).allInnerTexts();
  }

  async count(selector: string): Promise<number> {
    return this.root().locator(selector).count();
  }

  async isVisible(selector: string): Promise<boolean> {
    return this.first(selector).isVisible();
  }

  async attribute(selector: string, name: string): Promise<string | null> {
    return this.first(selector).getAttribute(name, { timeout: uiTimeoutMs });
  }

  /** An attribute of all that match now, in the document's order. */
  async attributes(selector: string, name: string): Promise<readonly (string | null)[]> {
    return (await this.rows(selector, [name])).map(([value = null]) => value);
  }

  /** Several attributes of all that match now, all read at the same moment; a table's rows come and go. */
  async rows(selector: string, names: readonly string[]): Promise<readonly (readonly (string | null)[])[]> {
    const all = this.root().locator(selector);
    return all.evaluateAll(
      (elements, wanted) => elements.map((element) => wanted.map((name) => element.getAttribute(name))),
      names,
    );
  }

  /** Sends a message to the document's window, as anything in the same window could. */
  async post(message: unknown): Promise<void> {
    await this.first("body").evaluate((body, data) => body.ownerDocument.defaultView?.postMessage(data, "*"), message, {
      timeout: uiTimeoutMs,
    });
  }

  /** The value of an input, also of a custom element that has one. */
  async value(selector: string): Promise<string> {
    return this.first(selector).evaluate((element) => String((element as unknown as { value: unknown }).value), null, {
      timeout: uiTimeoutMs,
    });
  }

  /** A computed style, such as "color". */
  async style(selector: string, property: string): Promise<string> {
    return this.first(selector).evaluate(
      (element, name) => element.ownerDocument.defaultView?.getComputedStyle(element).getPropertyValue(name) ?? "",
      property,
      { timeout: uiTimeoutMs },
    );
  }

  async box(selector: string): Promise<Box> {
    const box = await this.first(selector).boundingBox({ timeout: uiTimeoutMs });
    if (box === null) throw new Error(`${selector} is not on the screen`);
    return box;
  }

  /** Waits until an element that matches, with this text in it if one is given, is visible; returns its text. */
  async waitFor(selector: string, text?: string, timeoutMs = uiTimeoutMs): Promise<string> {
    const all = this.root().locator(selector);
    const element = (text === undefined ? all : all.filter({ hasText: text })).first();
    await element.waitFor({ timeout: timeoutMs });
    // Not textContent: what a person sees, without what is hidden.
    return element.innerText();
  }

  /** Waits until nothing that matches (with this text in it) is visible. */
  async waitUntilGone(selector: string, text?: string, timeoutMs = uiTimeoutMs): Promise<void> {
    const all = this.root().locator(selector);
    await (text === undefined ? all : all.filter({ hasText: text }))
      .first()
      .waitFor({ state: "hidden", timeout: timeoutMs });
  }

  /** A picture of one element, by name. @returns its file */
  async picture(selector: string, name: string): Promise<string> {
    const file = this.pictureFile(name);
    await this.first(selector).screenshot({ path: file, timeout: uiTimeoutMs });
    return file;
  }
}
