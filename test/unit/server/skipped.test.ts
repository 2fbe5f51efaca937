import { describe, expect, it } from "vitest";
import { SigmaQuantError } from "../../../src/core/errors.ts";
import type { Layer } from "../../../src/core/model/layer.ts";
import { EngineCrash } from "../../../src/node/engineClient.ts";
import { newState } from "../../../src/server/sessionState.ts";
import { forgetSkipped, skipLayer } from "../../../src/server/skipped.ts";

const names = ["a", "b", "c", "d", "e"];
const stateOf = () => ({ ...newState("m.onnx", {}), layers: names.map((name) => ({ name }) as Layer) });
const crash = (item?: string) => new EngineCrash("signal SIGSEGV", item === undefined ? {} : { item });
const error = (code: `SQ${number}`, item: string) =>
  new SigmaQuantError(code, "x", "x", { remedy: "x", place: { item } });

describe("a layer at which measuring failed", () => {
  it("is left out when the process ended at it for the second time, not for the first", () => {
    const state = stateOf();
    expect(skipLayer(state, crash("b"))).toBe(false);
    state.crashedAt = "b";
    expect(skipLayer(state, crash("c"))).toBe(false);
    expect(skipLayer(state, crash("b"))).toBe(true);
    expect([...state.skipped]).toEqual(["b"]);
  });

  it("is left out at once when another was, up to three: it is then hardly the layers", () => {
    const state = { ...stateOf(), crashedAt: "a" };
    expect(["a", "b", "c", "d"].map((name) => skipLayer(state, crash(name)))).toEqual([true, true, true, false]);
    forgetSkipped(state);
    expect(skipLayer(state, crash("a"))).toBe(false);
  });

  it.each(["SQ6005", "SQ6101", "SQ6204"] as const)(
    "is left out at once when that was tried already, or is no chance (%s)",
    (code) => {
      const state = stateOf();
      expect(skipLayer(state, error(code, "a"))).toBe(true);
      // It would go round for ever.
      expect(skipLayer(state, error(code, "a"))).toBe(false);
    },
  );

  it("is not left out for anything else, nor where nothing says which it is", () => {
    const state = { ...stateOf(), crashedAt: "a" };
    for (const other of [crash(), crash("no layer"), error("SQ1005", "a"), error("SQ6203", "a"), new Error("a")]) {
      expect(skipLayer(state, other)).toBe(false);
    }
    expect(state.skipped.size).toBe(0);
  });
});
