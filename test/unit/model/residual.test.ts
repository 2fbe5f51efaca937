import { describe, expect, it } from "vitest";
import { discoverLayers, quantizableSites } from "../../../src/core/model/discover.ts";
import { residualGroups } from "../../../src/core/model/residual.ts";
import { node } from "../../../src/core/onnx/build.ts";
import { floats, type TinyModel, tinyModel, weight } from "../../support/tinyModel.ts";

async function groupsOf(spec: Omit<TinyModel, "inputs" | "outputs" | "constants">, constants = {}) {
  const names = ["a", "b", "c", "d", "e", "f"];
  const weights = Object.fromEntries(names.map((name, i) => [`w.${name}`, weight([4, 4, 1, 1], i)]));
  const model = tinyModel({
    ...spec,
    inputs: { x: [1, 4, 4, 4] },
    outputs: ["y"],
    constants: { ...weights, ...constants },
  });
  return residualGroups(model.graph, quantizableSites(await discoverLayers(model)));
}

const conv = (from: string, name: string) => node("Conv", [from, `w.${name}`], [name], { name });
const add = (a: string, b: string, to: string) => node("Add", [a, b], [to]);
const relu = (from: string, to: string) => node("Relu", [from], [to]);

describe("layers whose results are added", () => {
  it("are one group, through activation functions", async () => {
    const groups = await groupsOf({
      nodes: [conv("x", "a"), relu("a", "r"), conv("r", "b"), add("b", "r", "s"), relu("s", "y")],
    });
    expect(groups.map((g) => [...g].sort())).toEqual([["a", "b"]]);
  });

  it("are one group along a stage, where each addition feeds the next", async () => {
    const groups = await groupsOf({
      nodes: [
        conv("x", "a"),
        conv("a", "b"),
        add("a", "b", "s"),
        relu("s", "t"),
        conv("t", "c"),
        conv("c", "d"),
        add("d", "t", "u"),
        conv("u", "e"),
        relu("e", "y"),
      ],
    });
    expect(groups.map((g) => [...g].sort())).toEqual([["a", "b", "d"]]);
  });

  it("are one group where an addition joins two groups that were apart", async () => {
    const groups = await groupsOf({
      nodes: [
        conv("x", "a"),
        conv("x", "b"),
        add("a", "b", "s"),
        conv("x", "c"),
        conv("x", "d"),
        add("c", "d", "t"),
        add("s", "t", "y"),
      ],
    });
    expect(groups.map((g) => [...g].sort())).toEqual([["a", "b", "c", "d"]]);
  });

  it("are groups of their own in separate stages", async () => {
    const groups = await groupsOf({
      nodes: [conv("x", "a"), conv("a", "b"), add("a", "b", "s"), conv("s", "c"), conv("c", "d"), add("c", "d", "y")],
    });
    expect(groups.map((g) => [...g].sort())).toEqual([
      ["a", "b"],
      ["c", "d"],
    ]);
  });

  it("are no group when only one layer is added, to a constant or to the input", async () => {
    const groups = await groupsOf(
      { nodes: [conv("x", "a"), add("a", "k", "s"), conv("s", "b"), add("b", "x", "y")] },
      { k: floats([1], [1]) },
    );
    expect(groups).toEqual([]);
  });
});
