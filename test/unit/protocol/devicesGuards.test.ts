import { describe, expect, it } from "vitest";
import { devicesCommands, type FromDevicesPage } from "../../../src/protocol/devices.ts";
import { isDevicesSets, isFromDevicesPage, isToDevicesPage, maxCompared } from "../../../src/protocol/devicesGuards.ts";
import { exampleDevices, waitingDevices } from "../../support/webview/devicesSnapshots.ts";

const fromPage: { readonly [T in FromDevicesPage["type"]]: Extract<FromDevicesPage, { type: T }> } = {
  ready: { type: "ready" },
  command: { type: "command", command: "run" },
  openProfile: { type: "openProfile", device: "preset:generic" },
  openModel: { type: "openModel", model: "file:///a.onnx" },
  useDevice: { type: "useDevice", model: "file:///a.onnx", device: "preset:generic" },
  removeDevice: { type: "removeDevice", device: "preset:generic" },
  removeModel: { type: "removeModel", model: "file:///a.onnx" },
  copyRows: { type: "copyRows", rows: [{ model: "file:///a.onnx", device: "preset:generic" }] },
};

describe("messages from the page of a comparison", () => {
  it.each(Object.values(fromPage))("takes $type, with its fields and no other", (message) => {
    expect(isFromDevicesPage(message)).toBe(true);
    expect(isFromDevicesPage({ ...message, run: "workbench.action.terminal.new" })).toBe(false);
    for (const key of Object.keys(message)) {
      const { [key as keyof typeof message]: _, ...rest } = message as unknown as Record<string, unknown>;
      expect(isFromDevicesPage(rest)).toBe(false);
    }
  });

  it("takes every command of the list and no other", () => {
    for (const command of devicesCommands) expect(isFromDevicesPage({ type: "command", command })).toBe(true);
    expect(isFromDevicesPage({ type: "command", command: "workbench.action.closeWindow" })).toBe(false);
  });

  it.each([
    ["a name that is no text", { ...fromPage.openProfile, device: 1 }],
    ["a row with more than it names", { type: "copyRows", rows: [{ model: "a", device: "b", run: "c" }] }],
    ["an unknown type", { type: "exec" }],
    ["no object", "ready"],
  ])("rejects %s", (_, message) => {
    expect(isFromDevicesPage(message)).toBe(false);
  });
});

describe("messages to the page of a comparison", () => {
  const viaJson = (snapshot: unknown) => ({ type: "devices", snapshot: JSON.parse(JSON.stringify(snapshot)) });

  it("takes a comparison, whatever is known of it", () => {
    expect(isToDevicesPage(viaJson(exampleDevices()))).toBe(true);
    expect(isToDevicesPage(viaJson(waitingDevices()))).toBe(true);
    expect(isToDevicesPage(viaJson(exampleDevices({ notices: [{ kind: "noSamples", models: ["a.onnx"] }] })))).toBe(
      true,
    );
  });

  const rows = exampleDevices().rows;
  it.each([
    ["rows that are none", { rows: [{}] }],
    ["bits that there are not", { rows: [{ ...rows[0], figures: { ...rows[0]?.figures, bits: [9] } }] }],
    ["an unknown state", { rows: [{ ...rows[0], state: "lost" }] }],
    ["an unknown notice", { notices: [{ kind: "advert" }] }],
    ["more models than anyone compares", { models: Array(maxCompared + 1).fill(exampleDevices().models[0]) }],
    ["work without a step", { work: { model: "a", settled: 1 } }],
  ])("rejects %s", (_, part) => {
    expect(isToDevicesPage(viaJson({ ...exampleDevices(), ...part }))).toBe(false);
  });
});

describe("what a page kept", () => {
  it("is two lists of names, and nothing else", () => {
    expect(isDevicesSets({ models: ["file:///a.onnx"], profiles: ["preset:generic"] })).toBe(true);
    for (const odd of [undefined, {}, { models: "a", profiles: [] }, { models: [1], profiles: [] }]) {
      expect(isDevicesSets(odd)).toBe(false);
    }
  });
});
