import type { DeviceRow, DevicesSnapshot } from "../../../src/protocol/devices.ts";
import { isToDevicesPage } from "../../../src/protocol/devicesGuards.ts";
import { notifications, requests } from "../../../src/protocol/requests.ts";
import { type TestServer, uriOf } from "../../support/server.ts";

/** When to give up, on a machine that is busy; every wait is for a condition. */
const waitMs = 150_000;

/** A comparison as its page sees it. */
export class ComparisonClient {
  /** Oldest first. Each has passed the page's own guard. */
  readonly snapshots: DevicesSnapshot[] = [];
  private readonly waiting = new Set<() => void>();

  private constructor(
    private readonly server: TestServer,
    private readonly id: string,
  ) {
    server.on(notifications.devices, ({ id: about, snapshot }) => {
      if (about === id) this.receive(snapshot);
    });
  }

  /** @param models paths; @param profiles `preset:<name>`, or paths */
  static async open(
    server: TestServer,
    models: readonly string[],
    profiles: readonly string[],
  ): Promise<ComparisonClient> {
    const client = new ComparisonClient(server, "1");
    await client.compare(models, profiles);
    return client;
  }

  async compare(models: readonly string[], profiles: readonly string[], calibration?: string): Promise<void> {
    const choices = calibration === undefined ? {} : { calibration };
    const snapshot = await this.server.request(requests.compareDevices, {
      id: this.id,
      models: models.map((model) => ({ uri: uriOf(model), choices })),
      profiles: profiles.map((profile) => (profile.startsWith("preset:") ? profile : uriOf(profile))),
    });
    this.receive(snapshot);
  }

  get last(): DevicesSnapshot {
    return this.snapshots.at(-1) as DevicesSnapshot;
  }

  run(): Promise<void> {
    return this.server.request(requests.runDevices, { id: this.id });
  }

  cancel(): Promise<void> {
    return this.server.request(requests.cancelDevices, { id: this.id });
  }

  close(): Promise<void> {
    return this.server.request(requests.closeDevices, { id: this.id });
  }

  csv(): Promise<{ readonly name: string; readonly text: string }> {
    return this.server.request(requests.devicesCsv, { id: this.id });
  }

  /** Waits for a snapshot with this property; the last one counts too. */
  until(holds: (snapshot: DevicesSnapshot) => boolean): Promise<DevicesSnapshot> {
    const from = Math.max(0, this.snapshots.length - 1);
    const find = () => this.snapshots.slice(from).find(holds);
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = find();
        if (!found) return;
        clearTimeout(timer);
        this.waiting.delete(look);
        resolve(found);
      };
      const timer = setTimeout(() => {
        this.waiting.delete(look);
        const { rows, work, notices, models } = this.last;
        const short = rows.map(({ state, problem, figures }) => [state, problem, figures?.verdict.headline]);
        reject(
          new Error(`Not within ${waitMs / 1000} s: ${holds}\n${JSON.stringify({ short, work, notices, models })}`),
        );
      }, waitMs);
      this.waiting.add(look);
      look();
    });
  }

  private receive(snapshot: DevicesSnapshot): void {
    if (!isToDevicesPage({ type: "devices", snapshot: JSON.parse(JSON.stringify(snapshot)) })) {
      throw new Error(`The page would not take this: ${JSON.stringify(snapshot).slice(0, 2000)}`);
    }
    this.snapshots.push(snapshot);
    for (const look of this.waiting) look();
  }
}

/** Every row's plan was run, and nothing is at work. */
export function isComplete({ rows, work }: DevicesSnapshot): boolean {
  return work === undefined && rows.length > 0 && rows.every(({ state }) => state === "run");
}

export function states({ rows }: DevicesSnapshot): readonly DeviceRow["state"][] {
  return rows.map(({ state }) => state);
}
