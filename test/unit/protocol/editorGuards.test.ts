import { describe, expect, it } from "vitest";
import { type FromPage, pageCommands } from "../../../src/protocol/editor.ts";
import { isFromPage, isToPage } from "../../../src/protocol/editorGuards.ts";
import {
  exampleComparison,
  exampleHistogram,
  exampleSnapshot,
  largeSnapshot,
  next,
} from "../../support/webview/snapshots.ts";

/** One message of each type. */
const fromPage: { readonly [T in FromPage["type"]]: Extract<FromPage, { type: T }> } = {
  ready: { type: "ready" },
  command: { type: "command", command: "analyze" },
  openFile: { type: "openFile", index: 0 },
  selectProfile: { type: "selectProfile", id: "preset:generic" },
  selectCalibration: { type: "selectCalibration", id: "data/calibration.npz" },
  selectStrategy: { type: "selectStrategy", strategy: "uniform:4" },
  setMaxDrop: { type: "setMaxDrop", maxDrop: 0.01 },
  tryBudget: { type: "tryBudget", resource: "latency", limit: 0.005, done: false },
  applyRemedy: { type: "applyRemedy", index: 1 },
  setBits: { type: "setBits", layers: ["conv1"], bits: 4 },
  setPinned: { type: "setPinned", layers: ["conv1", "fc"], pinned: true },
  resetBits: { type: "resetBits", layers: ["fc"] },
  choosePareto: { type: "choosePareto", index: 3 },
  askHistogram: { type: "askHistogram", layer: "conv1" },
  openPlanAt: { type: "openPlanAt", layer: "conv1" },
  copy: { type: "copy", text: "a,b\r\n" },
};

describe("messages from the page", () => {
  it.each(Object.values(fromPage))("takes $type", (message) => {
    expect(isFromPage(message)).toBe(true);
  });

  it.each(Object.values(fromPage))("rejects $type with a field that it does not have", (message) => {
    expect(isFromPage({ ...message, run: "workbench.action.terminal.new" })).toBe(false);
  });

  it.each(Object.values(fromPage).filter((m) => Object.keys(m).length > 1))(
    "rejects $type without one of its fields",
    (message) => {
      for (const key of Object.keys(message)) {
        const { [key as keyof typeof message]: _, ...rest } = message as unknown as Record<string, unknown>;
        expect(isFromPage(rest)).toBe(false);
      }
    },
  );

  it("takes every command of the list and no other", () => {
    for (const command of pageCommands) expect(isFromPage({ type: "command", command })).toBe(true);
    expect(isFromPage({ type: "command", command: "workbench.action.closeWindow" })).toBe(false);
  });

  it.each([
    ["a limit below zero", { ...fromPage.tryBudget, limit: -1 }],
    ["a limit that is no number", { ...fromPage.tryBudget, limit: Number.NaN }],
    ["an infinite limit", { ...fromPage.tryBudget, limit: Number.POSITIVE_INFINITY }],
    ["an unknown budget", { ...fromPage.tryBudget, resource: "price" }],
    ["a drop of more than everything", { ...fromPage.setMaxDrop, maxDrop: 1.5 }],
    ["nine bits", { ...fromPage.setBits, bits: 9 }],
    ["two and a half bits", { ...fromPage.setBits, bits: 2.5 }],
    ["no layers", { ...fromPage.setBits, layers: [] }],
    ["layers that are no texts", { ...fromPage.setPinned, layers: [1] }],
    ["a name of a megabyte", { ...fromPage.askHistogram, layer: "x".repeat(2 ** 20) }],
    ["more layers than any model has", { ...fromPage.resetBits, layers: new Array(100_001).fill("a") }],
    ["a negative index", { ...fromPage.openFile, index: -1 }],
    ["a strategy of nine bits", { ...fromPage.selectStrategy, strategy: "uniform:9" }],
    ["a type from the prototype", { type: "toString" }],
    ["no object", "ready"],
    ["nothing", null],
    ["a list", []],
  ])("rejects %s", (_, message) => {
    expect(isFromPage(message)).toBe(false);
  });

  it("takes no limit as null", () => {
    expect(isFromPage({ ...fromPage.tryBudget, limit: null })).toBe(true);
    expect(isFromPage({ ...fromPage.setMaxDrop, maxDrop: null })).toBe(true);
  });
});

describe("messages to the page", () => {
  const snapshot = next(exampleSnapshot(), {
    comparison: exampleComparison(),
    work: { kind: "analyze", stage: "Measuring", done: 3, total: 110, note: "conv1 at 3 bits", secondsLeft: 12 },
    notices: [
      { kind: "untrusted" },
      { kind: "whatIf", resource: "weightMemory", limit: 28_672, profileLimit: 32_768 },
      { kind: "stale", changed: 3, layers: 23, secondsAgo: 120 },
      { kind: "whatIf", resource: "latency", limit: null },
      { kind: "problem", message: "no number", code: "SQ3002", file: "a.hwprofile.json", line: 3 },
    ],
    remedies: [{ label: "Allow 3 bits", action: { kind: "allowBits", bits: 3 } }],
  });

  it("takes a whole snapshot, a histogram and a layer to reveal", () => {
    expect(isToPage({ type: "snapshot", snapshot })).toBe(true);
    expect(isToPage({ type: "histogram", histogram: exampleHistogram("conv1") })).toBe(true);
    expect(isToPage({ type: "reveal", layer: "conv1" })).toBe(true);
  });

  it("takes what JSON leaves of figures that are not finite", () => {
    const [first, ...rest] = snapshot.layers;
    const exact = {
      ...first,
      latencyS: Number.NaN,
      weightErrors: [{ bits: 8, kl: 0, sqnrDb: Number.POSITIVE_INFINITY, mse: 0 }],
    };
    const message = { type: "snapshot", snapshot: { ...snapshot, layers: [exact, ...rest] } };
    expect(isToPage(JSON.parse(JSON.stringify(message)))).toBe(true);
  });

  it("ignores fields that it does not know", () => {
    expect(isToPage({ type: "snapshot", snapshot: { ...snapshot, future: 1 } })).toBe(true);
  });

  it.each([
    ["no layers", { layers: undefined }],
    ["a layer without a name", { layers: [{ ...snapshot.layers[0], name: undefined }] }],
    ["a layer of nine bits", { layers: [{ ...snapshot.layers[0], weightBits: 9 }] }],
    ["a budget in an unknown unit", { budgets: [{ name: "latency", unit: "h" }] }],
    ["an unknown notice", { notices: [{ kind: "advertisement" }] }],
    ["a notice without its fields", { notices: [{ kind: "stale" }] }],
    ["a remedy that does something unknown", { remedies: [{ label: "Buy", action: { kind: "buy" } }] }],
    ["a sequence that is no number", { sequence: "1" }],
    ["an unknown verdict", { verdict: { verdict: "maybe", headline: "", detail: "" } }],
    ["bits as one number", { bits: 4 }],
    ["a comparison without columns", { comparison: { ...exampleComparison(), columns: null } }],
    ["work of an unknown kind", { work: { kind: "mine", stage: "", done: 0, total: 0 } }],
  ])("rejects a snapshot with %s", (_, change) => {
    expect(isToPage({ type: "snapshot", snapshot: { ...snapshot, ...change } })).toBe(false);
  });

  it("rejects other messages", () => {
    expect(isToPage({ type: "theme" })).toBe(false);
    expect(isToPage(undefined)).toBe(false);
    expect(
      isToPage({ type: "histogram", histogram: { ...exampleHistogram("a"), counts: new Array(2000).fill(1) } }),
    ).toBe(false);
  });

  it("checks 10,000 layers", () => {
    expect(isToPage({ type: "snapshot", snapshot: largeSnapshot(10_000) })).toBe(true);
  });
});
