import { mkdirSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import type { Browser, Page } from "playwright-core";
import { root } from "../../../scripts/lib/run.mjs";
import { ensureHost, type Host } from "../../../scripts/vscodeHost/install.mjs";
import { type Server, startServer } from "../../../scripts/vscodeHost/server.mjs";
import type { HostName } from "../../../scripts/vscodeHost/versions.mjs";
import { launchBrowser } from "../browser.ts";
import { Ui } from "./ui.ts";

/** Where runs leave pictures; git ignores it. Elsewhere with `npm test -- --pictures DIR`. */
const resultsFolder = path.join(root, "test-results");

/** Files of an extension's pages have addresses there, which a service worker of VS Code's answers from the disk. */
const pageFilesHost = ".vscode-resource.vscode-cdn.net";

/** A laptop's window. */
export const defaultSize = { width: 1400, height: 900 };

/** Which editor to open, and on what. */
export interface WorkbenchOptions {
  readonly host: HostName;
  /** The folder to open; see copyWorkspace. Without one, a window with `file` alone. */
  readonly folder?: string;
  readonly file?: string;
  readonly settings?: Record<string, unknown>;
  /** Ask whether the folder is trusted, as on a desktop. */
  readonly trust?: boolean;
  /** An extension to install first, as a user would. */
  readonly vsix?: string;
  /** Or one to link from its folder. */
  readonly extension?: string;
  /** Instead: an unpacked extension, and tests (a module with `run`) to run with it in the extension host. */
  readonly inHost?: { readonly extension: string; readonly tests: string };
  /** Variables for the extension host. */
  readonly env?: Record<string, string>;
  readonly size?: { readonly width: number; readonly height: number };
  /** Called with the new page before anything is loaded into it. */
  readonly prepare?: (page: Page) => Promise<void>;
}

/** A real VS Code with a window, and the hands to use it. */
export interface Workbench {
  readonly host: Host;
  readonly page: Page;
  readonly ui: Ui;
  readonly server: Server;
  /** Hosts other than the editor's own server that the page asked for something; a healthy run has none. */
  readonly askedOutside: () => readonly string[];
  /** Ends browser and server and all that they started, and deletes their data. */
  close(): Promise<void>;
}

/** Starts a VS Code and opens a folder in it. The caller closes it. */
export async function openWorkbench(options: WorkbenchOptions): Promise<Workbench> {
  const host = await ensureHost(options.host);
  const [server, browser] = await startBoth(host, options);
  try {
    const context = await browser.newContext({ viewport: options.size ?? defaultSize });
    const page = await context.newPage();
    const asked = new Set<string>();
    page.on("request", (request) => {
      const url = new URL(request.url());
      if (!/^(http|ws)s?:$/.test(url.protocol) || url.origin === server.origin) return;
      if (url.host.endsWith(pageFilesHost)) return;
      asked.add(url.host);
    });
    page.on("response", (response) => {
      const { host } = new URL(response.url());
      if (host.endsWith(pageFilesHost) && !response.fromServiceWorker()) asked.add(host);
    });
    await options.prepare?.(page);
    await page.goto(workbenchUrl(server, options));
    await page.locator(".monaco-workbench").waitFor();
    const pictures = process.env.SIGMAQUANT_PICTURES ?? path.join(resultsFolder, "pictures", host.version);
    mkdirSync(pictures, { recursive: true });
    const close = async () => {
      await browser.close();
      await server.stop();
    };
    return { host, page, ui: new Ui(page, pictures), server, askedOutside: () => [...asked], close };
  } catch (error) {
    await browser.close();
    await server.stop();
    throw error;
  }
}

async function startBoth(host: Host, options: WorkbenchOptions): Promise<[Server, Browser]> {
  const { settings, trust, vsix, extension, env, inHost } = options;
  const [server, browser] = await Promise.allSettled([
    startServer(host, {
      ...(settings && { settings }),
      ...(trust && { trust }),
      ...(vsix && { vsix }),
      ...(extension && { extension }),
      ...(env && { env }),
      testDriver: inHost !== undefined,
    }),
    launchBrowser(),
  ]);
  if (server.status === "fulfilled" && browser.status === "fulfilled") return [server.value, browser.value];
  if (server.status === "fulfilled") await server.value.stop();
  if (browser.status === "fulfilled") await browser.value.close();
  throw server.status === "rejected" ? server.reason : (browser as PromiseRejectedResult).reason;
}

function workbenchUrl(server: Server, { folder, file, inHost }: WorkbenchOptions): string {
  const url = new URL(server.origin);
  const onServer = (path: string) => `vscode-remote://${url.host}${path}`;
  if (folder !== undefined) url.searchParams.set("folder", folder);
  else url.searchParams.set("ew", "true");
  if (file !== undefined) url.searchParams.set("payload", JSON.stringify([["openFile", onServer(file)]]));
  if (inHost !== undefined) {
    const payload = [
      ["extensionDevelopmentPath", onServer(inHost.extension)],
      ["extensionTestsPath", onServer(inHost.tests)],
      ["skipWelcome", "true"],
    ];
    url.searchParams.set("payload", JSON.stringify(payload));
  }
  return url.href;
}
