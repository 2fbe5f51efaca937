import path from "node:path";
import { SigmaQuantError } from "../../core/errors.ts";
import type { DevicesSnapshot } from "../../protocol/devices.ts";
import type { SessionHost } from "../sessionHost.ts";
import { type Compared, DeviceComparison } from "./deviceComparison.ts";
import { RunCache } from "./runCache.ts";
import { SharedAnalysisCache } from "./sharedCache.ts";

/** The comparisons that pages show, by the names that the pages gave them. */
export class Comparisons {
  private readonly open = new Map<string, DeviceComparison>();
  private readonly host: SessionHost;
  private readonly cache: RunCache;

  /** @param cacheFolder where what was analyzed, and run, is kept */
  constructor(
    host: SessionHost,
    cacheFolder: string,
    private readonly publish: (id: string, snapshot: DevicesSnapshot) => void,
  ) {
    this.host = { ...host, cache: new SharedAnalysisCache(path.join(cacheFolder, "analyses")) };
    this.cache = new RunCache(path.join(cacheFolder, "devices"));
  }

  compare(id: string, compared: Compared): Promise<DevicesSnapshot> {
    const comparison =
      this.open.get(id) ?? new DeviceComparison(this.host, this.cache, (snapshot) => this.publish(id, snapshot));
    this.open.set(id, comparison);
    return comparison.set(compared);
  }

  /** @throws SigmaQuantError SQ1104 for one that is not open */
  get(id: string): DeviceComparison {
    const comparison = this.open.get(id);
    if (!comparison) {
      throw new SigmaQuantError("SQ1104", "comparison-not-open", "The comparison is not open", {
        remedy: "Open it with Compare Devices, and try again",
      });
    }
    return comparison;
  }

  async close(id: string): Promise<void> {
    const comparison = this.open.get(id);
    this.open.delete(id);
    await comparison?.close();
  }

  textsChanged(): void {
    for (const comparison of this.open.values()) void comparison.textsChanged();
  }

  async filesChanged(written: readonly string[]): Promise<void> {
    await Promise.all([...this.open.values()].map((comparison) => comparison.filesChanged(written)));
  }

  /** What may be run, or how, has changed. */
  reopen(): void {
    for (const comparison of this.open.values()) void comparison.reopen();
  }

  dispose(): void {
    for (const id of [...this.open.keys()]) void this.close(id);
  }
}
