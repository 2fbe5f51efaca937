import { SigmaQuantError } from "../../core/errors.ts";
import type { DeviceFigures } from "../../core/plan/deviceFigures.ts";
import type { DeviceRow, Problem } from "../../protocol/devices.ts";
import type { ServerSettings } from "../../protocol/requests.ts";
import { Memo } from "../language/memo.ts";
import { failureOf } from "../sessionErrors.ts";
import type { ActiveProfile } from "../sessionState.ts";
import type { DeviceList } from "./deviceList.ts";
import { expectedOn, type LaidOut, layOut } from "./laidOut.ts";
import type { ModelOnDevices } from "./modelOnDevices.ts";

interface Entry {
  readonly laid?: LaidOut;
  readonly expected?: DeviceFigures;
  readonly problem?: Problem;
}

/** What is known of each model on each device; worked out again only where something that it follows from has changed. */
export class Rows {
  private readonly entries = new WeakMap<ModelOnDevices, Map<string, Entry>>();
  private readonly expected = new Memo<DeviceFigures | undefined>();

  /** Lays the model on the device anew, and looks for what was run of it before. @param device undefined where the profile can't be used */
  async refresh(model: ModelOnDevices, device: ActiveProfile | undefined, id: string, settings: ServerSettings) {
    const entries = this.entries.get(model) ?? new Map<string, Entry>();
    this.entries.set(model, entries);
    entries.set(id, device ? await this.entryOf(model, device, settings) : {});
  }

  laidOut(model: ModelOnDevices, id: string): LaidOut | undefined {
    return this.entries.get(model)?.get(id)?.laid;
  }

  row(model: ModelOnDevices, id: string, devices: DeviceList): DeviceRow {
    const { laid, expected, problem } = this.entries.get(model)?.get(id) ?? {};
    const run = laid && model.runs.get(laid.key);
    const failure = model.problem ?? devices.problemOf(id) ?? problem ?? (laid && model.failures.get(laid.key));
    const figures = run?.figures ?? expected;
    return {
      model: model.uri,
      device: id,
      state: run ? "run" : failure ? "failed" : figures ? "expected" : "waiting",
      ...(figures && { figures }),
      inUse: model.ownDevice === id,
      notes: [...(laid?.notes ?? []), ...(run?.notes ?? [])],
      ...(failure && { problem: failure }),
    };
  }

  private async entryOf(model: ModelOnDevices, device: ActiveProfile, settings: ServerSettings): Promise<Entry> {
    try {
      const laid = layOut(model.state, device, settings, model.source);
      if (!laid) return {};
      await model.recall(laid);
      if (model.runs.has(laid.key)) return { laid };
      const { losses, fit } = laid;
      const key = [fit, laid.key, losses?.metric, losses?.synthetic, model.state.measuredSamples, model.runs.size];
      const expected = this.expected.get(`${model.uri}\n${device.id}`, key, () =>
        expectedOn(laid, [...model.runs.values()]),
      );
      return { laid, ...(expected && { expected }) };
    } catch (error) {
      if (!(error instanceof SigmaQuantError)) throw error;
      return { problem: failureOf(error) };
    }
  }
}
