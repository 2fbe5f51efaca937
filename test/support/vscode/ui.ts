import path from "node:path";
import type { FrameLocator, Locator, Page } from "playwright-core";
import { Surface, uiTimeoutMs } from "./surface.ts";

/** VS Code registers an extension's menus and commands some seconds after it has shown its explorer. */
const lateTimeoutMs = 90_000;
const menuRetryMs = 500;
/** A file that came a moment ago may move rows, and take the selection, this long after. */
const selectionSettlesMs = 1_000;
/** A menu takes no click in the moment in which it opens; one that is still there after this has not taken it. */
const menuClosesMs = 500;
/** The palette fills at once with the commands that there are when it opens, and takes in none that come later. */
const paletteFillsMs = 1_000;

/** Where the workbench shows its parts; alike in VS Code 1.100 and 1.139. */
const select = {
  explorerRow: ".explorer-folders-view .monaco-list-row",
  menuItem: ".monaco-menu-container .monaco-menu .action-item:not(.disabled)",
  quickInput: ".quick-input-widget",
  quickRow: ".quick-input-widget .quick-input-list .monaco-list-row",
  toast: ".notification-toast",
  dialog: ".monaco-dialog-box",
  statusItem: ".statusbar-item:not(.hidden)",
  editorAction: ".editor-group-container.active .editor-actions .action-item .action-label",
  tab: ".tabs-container .tab",
} as const;

/** Kinds of themes as webviews are told them, and the workbench's class for each. */
const workbenchThemes = {
  "vscode-dark": "vs-dark",
  "vscode-light": "vs",
  "vscode-high-contrast": "hc-black",
  "vscode-high-contrast-light": "hc-light",
} as const;

/**
 * A person at VS Code: what to click, type and read in the workbench and in the webview of the visible editor. Plain data in and out
 * (see Surface), so the same object serves tests outside (Playwright) and, over the bridge, tests inside the extension host.
 */
export class Ui {
  readonly webview: Surface;
  readonly workbench: Surface;

  /** @param pictures folder for screenshots */
  constructor(
    private readonly page: Page,
    private readonly pictures: string,
  ) {
    const pictureFile = (name: string) => this.pictureFile(name);
    this.webview = new Surface(() => visibleWebview(page), pictureFile);
    this.workbench = new Surface(() => page, pictureFile);
  }

  /** Presses keys, one after another, such as "Control+Shift+M". */
  async keys(...keys: readonly string[]): Promise<void> {
    for (const key of keys) await this.page.keyboard.press(key);
  }

  async type(text: string): Promise<void> {
    await this.page.keyboard.type(text);
  }

  /** Takes the pointer off everything that shows something under it. */
  async pointAway(): Promise<void> {
    await this.page.mouse.move(0, 0);
  }

  /** The size of the window in CSS pixels. */
  async resize(width: number, height: number): Promise<void> {
    await this.page.setViewportSize({ width, height });
  }

  /** A picture of the whole window, by name. @returns its file */
  async screenshot(name: string): Promise<string> {
    const file = this.pictureFile(name);
    await this.page.screenshot({ path: file });
    return file;
  }

  /**
   * Waits until the workbench shows a theme of this kind, and the visible editor's webview too where there is one.
   * @param kind as VS Code tells it to webviews, such as "vscode-dark"
   */
  async themeShown(kind: keyof typeof workbenchThemes): Promise<void> {
    await this.page.locator(`.monaco-workbench.${workbenchThemes[kind]}`).waitFor({ timeout: uiTimeoutMs });
    if (!(await visibleWebviewFrame(this.page).isVisible())) return;
    const body = visibleWebview(this.page).locator(`body[data-vscode-theme-kind="${kind}"]`);
    await body.waitFor({ state: "attached", timeout: uiTimeoutMs });
  }

  /** The files and folders that the explorer shows. */
  async explorerFiles(): Promise<readonly string[]> {
    const rows = this.page.locator(select.explorerRow);
    await rows.first().waitFor({ timeout: uiTimeoutMs });
    return (await rows.allInnerTexts()).map((text) => text.trim());
  }

  /** Opens a file by a double click in the explorer. */
  async openFile(name: string): Promise<void> {
    await this.row(name).dblclick({ timeout: uiTimeoutMs });
  }

  /** Selects files in the explorer, the first by a click, the others with Control held, until these and no others are selected. */
  async selectFiles(...names: readonly string[]): Promise<void> {
    // Files that come into the explorer move its rows, and may take its selection.
    for (const name of names) await this.row(name).waitFor({ timeout: uiTimeoutMs });
    const deadline = Date.now() + uiTimeoutMs;
    for (;;) {
      for (const [at, name] of names.entries()) {
        await this.row(name).click({ modifiers: at === 0 ? [] : ["ControlOrMeta"], timeout: uiTimeoutMs });
      }
      await this.page.waitForTimeout(selectionSettlesMs);
      const rows = await this.page.locator(`${select.explorerRow}.selected`).allInnerTexts();
      const selected = rows.map((text) => text.trim());
      if (selected.length === names.length && names.every((name) => selected.includes(name))) return;
      if (Date.now() > deadline) throw new Error(`selected are ${selected.join(", ")}, not ${names.join(", ")}`);
    }
  }

  /**
   * Right-clicks a file in the explorer and chooses an item, waiting until the menu has it.
   * @returns the labels of the menu
   */
  async explorerMenu(file: string, choose: string): Promise<readonly string[]> {
    return this.menu(() => this.row(file).click({ button: "right", timeout: uiTimeoutMs }), choose);
  }

  /** The labels of a file's context menu in the explorer, as it is now. */
  async explorerMenuItems(file: string): Promise<readonly string[]> {
    await this.row(file).click({ button: "right", timeout: uiTimeoutMs });
    const labels = await this.menuLabels();
    await this.page.keyboard.press("Escape");
    return labels;
  }

  /** Clicks an icon in the title of the active editor, by its tooltip. */
  async editorAction(label: string): Promise<void> {
    await this.page.locator(`${select.editorAction}[aria-label^="${label}"]`).first().click({ timeout: uiTimeoutMs });
  }

  /** Runs a command from the command palette by its title, as shown there, waiting until the palette has it. */
  async command(title: string): Promise<void> {
    const found = this.page.locator(select.quickRow).filter({ hasText: title }).first();
    const deadline = Date.now() + lateTimeoutMs;
    for (;;) {
      await this.page.keyboard.press("F1");
      // While the keyboard passes from one editor to another nobody takes the key.
      const input = this.page.locator(`${select.quickInput} input[type="text"]`);
      if (await comes(input, paletteFillsMs)) {
        // A palette may be on its way out still.
        const filled = await succeeds(input.fill(`>${title}`, { timeout: paletteFillsMs }));
        if (filled && (await comes(found, paletteFillsMs))) break;
      }
      if (Date.now() > deadline) throw new Error(`the command palette has no "${title}"`);
      await this.page.keyboard.press("Escape");
    }
    await found.click({ timeout: uiTimeoutMs });
  }

  /** The title, the placeholder and the items of the open quick pick, once it has any. */
  async quickItems(): Promise<readonly string[]> {
    await this.page.locator(select.quickRow).first().waitFor({ timeout: uiTimeoutMs });
    return this.page.locator(select.quickRow).allInnerTexts();
  }

  /** Types into the open quick pick or input box, replacing what is there. */
  async quickType(text: string): Promise<void> {
    await this.page.locator(`${select.quickInput} input[type="text"]`).fill(text, { timeout: uiTimeoutMs });
  }

  /** Chooses the first item of the open quick pick that has this text. */
  async quickChoose(text: string): Promise<void> {
    await this.page.locator(select.quickRow).filter({ hasText: text }).first().click({ timeout: uiTimeoutMs });
  }

  /** Waits for a notification with this text. Only where the editor runs without the test driver, which hides them. */
  async notification(text: string, timeoutMs = uiTimeoutMs): Promise<string> {
    return this.workbench.waitFor(select.toast, text, timeoutMs);
  }

  /** The texts of the notifications that are on the screen. */
  async notifications(): Promise<readonly string[]> {
    return this.workbench.texts(select.toast);
  }

  /** Clicks a button of the notification with this text. */
  async notificationButton(text: string, button: string): Promise<void> {
    const toast = this.page.locator(select.toast).filter({ hasText: text }).first();
    await toast.locator(".monaco-button", { hasText: button }).first().click({ timeout: uiTimeoutMs });
  }

  /** Waits for a dialog and returns its text. */
  async dialog(): Promise<string> {
    return this.workbench.waitFor(select.dialog);
  }

  /** Clicks a button of the open dialog. */
  async dialogButton(button: string): Promise<void> {
    const found = this.page.locator(`${select.dialog} .monaco-button`).filter({ hasText: button });
    await found.first().click({ timeout: uiTimeoutMs });
    await found.first().waitFor({ state: "hidden", timeout: uiTimeoutMs });
  }

  /** The texts of the status bar. */
  async statusBar(): Promise<readonly string[]> {
    return (await this.workbench.texts(select.statusItem)).map((text) => text.trim()).filter((text) => text !== "");
  }

  /** Waits for an item of the status bar with this text. */
  async statusItem(text: string): Promise<string> {
    return this.workbench.waitFor(select.statusItem, text);
  }

  /** The names of the open tabs. */
  async tabs(): Promise<readonly string[]> {
    return (await this.workbench.texts(select.tab)).map((text) => text.trim());
  }

  private pictureFile(name: string): string {
    return path.join(this.pictures, `${name.replace(/[^\w.-]+/g, "-")}.png`);
  }

  private row(name: string): Locator {
    const exact = new RegExp(`^\\s*${name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}\\s*$`);
    return this.page.locator(select.explorerRow).filter({ hasText: exact }).first();
  }

  private async menuLabels(): Promise<readonly string[]> {
    await this.page.locator(select.menuItem).first().waitFor({ timeout: uiTimeoutMs });
    const labels = await this.page.locator(`${select.menuItem} .action-label`).allInnerTexts();
    return labels.map((label) => label.trim()).filter((label) => label !== "");
  }

  private async clickMenuItem(label: string): Promise<void> {
    const item = this.page.locator(select.menuItem).filter({ hasText: label }).first();
    const deadline = Date.now() + uiTimeoutMs;
    for (;;) {
      await item.click({ timeout: uiTimeoutMs });
      if (await comes(item, menuClosesMs, "hidden")) return;
      if (Date.now() > deadline) throw new Error(`the menu does not take a click on "${label}"`);
    }
  }

  private async menu(open: () => Promise<void>, choose: string): Promise<readonly string[]> {
    const deadline = Date.now() + lateTimeoutMs;
    for (;;) {
      await open();
      const labels = await this.menuLabels();
      if (labels.includes(choose)) {
        await this.clickMenuItem(choose);
        return labels;
      }
      await this.page.keyboard.press("Escape");
      if (Date.now() > deadline) throw new Error(`the menu has no "${choose}", only: ${labels.join(", ")}`);
      await this.page.waitForTimeout(menuRetryMs);
    }
  }
}

/** Whether it gets to that state in this time. */
function comes(what: Locator, timeout: number, state: "visible" | "hidden" = "visible"): Promise<boolean> {
  return succeeds(what.waitFor({ state, timeout }));
}

function succeeds(done: Promise<unknown>): Promise<boolean> {
  return done.then(
    () => true,
    () => false,
  );
}

/** The document of the webview in the visible editor: VS Code nests it in two frames. */
function visibleWebview(page: Page): FrameLocator {
  return visibleWebviewFrame(page).contentFrame().frameLocator("iframe#active-frame");
}

function visibleWebviewFrame(page: Page): Locator {
  return page.locator("iframe.webview.ready").filter({ visible: true }).first();
}
