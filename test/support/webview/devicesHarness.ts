import type { Browser, Locator } from "playwright-core";
import type { DevicesSnapshot, FromDevicesPage } from "../../../src/protocol/devices.ts";
import { WebviewPage, type WindowOptions } from "./webviewPage.ts";

export interface OpenDevices extends WindowOptions {
  /** Sent as soon as the page is ready. */
  readonly snapshot?: DevicesSnapshot;
}

/** The page of devices side by side. */
export class DevicesPage extends WebviewPage<FromDevicesPage> {
  static async open(browser: Browser, options: OpenDevices = {}): Promise<DevicesPage> {
    const { page, context } = await WebviewPage.openWindow(browser, "devices", options);
    const devices = new DevicesPage(page, context);
    await devices.goTo(options);
    if (options.snapshot) await devices.show(options.snapshot);
    return devices;
  }

  /** Opens a page, hands it to a test, and closes it; the page must have had no complaint. */
  static async with(
    browser: Browser,
    options: OpenDevices,
    test: (devices: DevicesPage) => Promise<void>,
  ): Promise<void> {
    const devices = await DevicesPage.open(browser, options);
    try {
      await test(devices);
      const complaints = await devices.complaints();
      if (complaints.length > 0) throw new Error(`The page complained:\n${complaints.join("\n")}`);
    } finally {
      await devices.close();
    }
  }

  /** Sends a snapshot and waits until it is drawn. */
  async show(snapshot: DevicesSnapshot): Promise<void> {
    await this.post({ type: "devices", snapshot });
    await this.drawn();
  }

  /** The row of a device, by its name. */
  row(name: string): Locator {
    return this.page.locator(".d-row").filter({ has: this.page.locator(".d-name", { hasText: name }) });
  }

  /** Texts of a column, from top to bottom, lines as spaces. */
  async column(id: string): Promise<readonly string[]> {
    const texts = await this.page.locator(`.d-row .d-${id}`).allInnerTexts();
    return texts.map((text) => text.replace(/\s+/g, " ").trim());
  }

  head(name: string): Locator {
    return this.page.getByRole("columnheader", { name: new RegExp(`^${name}`) });
  }
}
