import { randomBytes } from "node:crypto";
import * as path from "node:path";
import * as vscode from "vscode";
import type { DevicesSets, DevicesSnapshot, FromDevicesPage } from "../protocol/devices.ts";
import { isDevicesSets, isFromDevicesPage } from "../protocol/devicesGuards.ts";
import { editorPageHtml } from "../protocol/editorPage.ts";
import { notifications, requests } from "../protocol/requests.ts";
import { runDevicesMessage } from "./devicesMessages.ts";
import { showError } from "./errors.ts";
import type { Log } from "./log.ts";
import type { ChoicesStore } from "./modelChoices.ts";
import type { ModelEditors } from "./modelEditor.ts";
import type { ServerConnection } from "./server.ts";
import { devicesWithoutServer } from "./serverDown.ts";

const viewType = "sigmaquant.devices";

/** A comparison that a panel shows. */
export interface OpenComparison {
  readonly id: string;
  readonly panel: vscode.WebviewPanel;
  sets: DevicesSets;
  snapshot: DevicesSnapshot | undefined;
}

/** Panels with devices side by side: hand the server's snapshots to their pages, and what a page asks for to the server. */
export class DevicesPanels implements vscode.Disposable, vscode.WebviewPanelSerializer {
  private readonly open = new Map<string, OpenComparison>();
  private readonly disposables: vscode.Disposable[];
  /** Devices that open models were shown on last. */
  private readonly shownOn = new Map<string, string | undefined>();
  private count = 0;

  constructor(
    private readonly extensionUri: vscode.Uri,
    readonly server: ServerConnection,
    readonly choices: ChoicesStore,
    readonly editors: ModelEditors,
    readonly log: Log,
  ) {
    this.disposables = [
      server.on(notifications.devices, ({ id, snapshot }) => this.show(id, snapshot)),
      server.on(notifications.snapshot, ({ uri, snapshot }) => this.followDevice(uri, snapshot.profile?.id)),
      server.onRestart(() => {
        for (const comparison of this.open.values()) {
          // The new server counts from the beginning.
          comparison.snapshot = undefined;
          void this.compare(comparison, comparison.sets);
        }
      }),
      server.onDown(() => {
        for (const comparison of this.open.values()) {
          if (comparison.snapshot) this.draw(comparison, devicesWithoutServer(comparison.snapshot));
        }
      }),
      vscode.window.registerWebviewPanelSerializer(viewType, this),
    ];
  }

  dispose(): void {
    for (const disposable of this.disposables) disposable.dispose();
  }

  /** What the panel in front compares. */
  get active(): DevicesSets | undefined {
    return [...this.open.values()].find(({ panel }) => panel.active)?.sets;
  }

  /** Shows models on devices: in the panel of the same models, if there is one. */
  async showPanel(sets: DevicesSets): Promise<void> {
    const same = [...this.open.values()].find(({ sets: { models } }) => models.join("\n") === sets.models.join("\n"));
    if (same) {
      same.panel.reveal();
      await this.compare(same, sets);
      return;
    }
    const panel = vscode.window.createWebviewPanel(viewType, titleOf(sets), vscode.ViewColumn.Active, {});
    await this.setUp(panel, sets);
  }

  /** A panel that was there when the window was closed. */
  async deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    const { sets } = (state ?? {}) as { sets?: unknown };
    if (isDevicesSets(sets)) await this.setUp(panel, sets);
    else panel.dispose();
  }

  /** Changes what a panel compares. */
  async compare(comparison: OpenComparison, sets: DevicesSets): Promise<void> {
    comparison.sets = sets;
    comparison.panel.title = titleOf(sets);
    const { id } = comparison;
    const models = sets.models.map((uri) => ({ uri, choices: this.choices.get(uri) }));
    try {
      this.show(id, await this.server.request(requests.compareDevices, { id, models, profiles: sets.profiles }));
    } catch (error) {
      await showError(error, this.log);
    }
  }

  private async setUp(panel: vscode.WebviewPanel, sets: DevicesSets): Promise<void> {
    const id = `${++this.count}`;
    const comparison: OpenComparison = { id, panel, sets, snapshot: undefined };
    this.open.set(id, comparison);
    const { webview } = panel;
    const dist = vscode.Uri.joinPath(this.extensionUri, "dist", "webview");
    const file = (name: string) => webview.asWebviewUri(vscode.Uri.joinPath(dist, name)).toString();
    webview.options = { enableScripts: true, localResourceRoots: [dist] };
    const receive = webview.onDidReceiveMessage((message: unknown) => {
      if (isFromDevicesPage(message)) void this.receive(comparison, message);
      else this.log.warn("A message from the page of a comparison was not understood");
    });
    panel.onDidDispose(() => {
      receive.dispose();
      this.open.delete(id);
      this.server.request(requests.closeDevices, { id }).catch(() => undefined);
    });
    webview.html = editorPageHtml({
      cspSource: webview.cspSource,
      nonce: randomBytes(24).toString("base64"),
      scriptUri: file("devices.js"),
      styleUri: file("devices.css"),
    });
    await this.compare(comparison, sets);
  }

  private show(id: string, snapshot: DevicesSnapshot): void {
    const comparison = this.open.get(id);
    if (!comparison || (comparison.snapshot && comparison.snapshot.sequence >= snapshot.sequence)) return;
    this.draw(comparison, snapshot);
  }

  private draw(comparison: OpenComparison, snapshot: DevicesSnapshot): void {
    comparison.snapshot = snapshot;
    void comparison.panel.webview.postMessage({ type: "devices", snapshot });
  }

  /** A model's editor shows it on another device than before: which one is in use is told anew. */
  private followDevice(uri: string, device: string | undefined): void {
    if (this.shownOn.get(uri) === device) return;
    this.shownOn.set(uri, device);
    for (const comparison of this.open.values()) {
      if (comparison.sets.models.includes(uri)) void this.compare(comparison, comparison.sets);
    }
  }

  private async receive(comparison: OpenComparison, message: FromDevicesPage): Promise<void> {
    try {
      if (message.type !== "ready") await runDevicesMessage(message, comparison, this);
      else if (comparison.snapshot) {
        void comparison.panel.webview.postMessage({ type: "devices", snapshot: comparison.snapshot });
      }
    } catch (error) {
      await showError(error, this.log);
    }
  }
}

function titleOf({ models, profiles }: DevicesSets): string {
  const [model] = models;
  if (models.length === 1 && model !== undefined) {
    return vscode.l10n.t("Devices: {0}", path.posix.basename(vscode.Uri.parse(model).path));
  }
  return profiles.length === 1 ? vscode.l10n.t("Compare Models") : vscode.l10n.t("Compare Devices");
}
