import { create } from "@bufbuild/protobuf";
import { FunctionProtoSchema, TensorProto_DataType as T } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { attribute, node, valueInfo } from "../../../src/core/onnx/build.ts";
import { freshNames, opsetOf } from "../../../src/core/onnx/graph.ts";
import { raiseIrVersion } from "../../../src/core/onnx/irVersion.ts";
import { floats } from "../../support/onnx/everything.ts";
import { graphOf, modelOf } from "../../support/onnx/models.ts";

describe("opsetOf", () => {
  it("finds a domain's version; ai.onnx is the default domain's other name; 1 without any", () => {
    const { proto } = modelOf({
      more: {
        opsetImport: [
          { domain: "ai.onnx", version: 11n },
          { domain: "d", version: 3n },
        ],
      },
    });
    expect([opsetOf(proto, ""), opsetOf(proto, "ai.onnx"), opsetOf(proto, "d"), opsetOf(proto, "e")]).toEqual([
      11, 11, 3, 1,
    ]);
  });
});

describe("freshNames", () => {
  const inner = graphOf({ nodes: [node("Relu", ["x"], ["deep"])], inputs: [valueInfo("in body", T.FLOAT)] });
  const graph = graphOf({
    nodes: [node("If", ["c"], ["y", ""], { attributes: [attribute.graph("then_branch", inner)] })],
    inputs: [valueInfo("x", T.FLOAT)],
    initializers: [floats("w", 1)],
  });

  it("gives a name as it is wanted, unless the graph or a body in it has it", () => {
    const fresh = freshNames(graph);
    expect(fresh("new")).toBe("new");
    for (const taken of ["x", "y", "w", "deep", "in body"]) expect(fresh(taken)).toBe(`${taken}_2`);
  });

  it("never gives a name twice", () => {
    const fresh = freshNames(graph);
    expect([fresh("a"), fresh("a_2"), fresh("a"), fresh("a"), fresh("a_2")]).toEqual([
      "a",
      "a_2",
      "a_3",
      "a_4",
      "a_2_2",
    ]);
  });

  it("knows a function's names", () => {
    const body = create(FunctionProtoSchema, { input: ["a"], output: ["b"], node: [node("Relu", ["a"], ["b"])] });
    expect(["a", "b", "c"].map(freshNames(body))).toEqual(["a_2", "b_2", "c"]);
  });

  it("gives a hundred thousand names for one wish in no time", () => {
    const fresh = freshNames(graph);
    const names = new Set(Array.from({ length: 100_000 }, () => fresh("x")));
    expect(names.size).toBe(100_000);
  }, 5000);
});

describe("raiseIrVersion", () => {
  const parts = { initializers: [floats("w", 1)], inputs: [valueInfo("x", T.FLOAT), valueInfo("w", T.FLOAT)] };
  const inputs = (ir: number, to: bigint) => {
    const model = modelOf({ ...parts, ir });
    raiseIrVersion(model, to);
    return [Number(model.proto.irVersion), model.graph.input.map((value) => value.name)];
  };

  it("turns initializers that had to be inputs before version 4 into constants", () => {
    expect(inputs(3, 10n)).toEqual([10, ["x"]]);
  });

  it("leaves inputs that are defaults on purpose, and newer versions", () => {
    expect(inputs(4, 10n)).toEqual([10, ["x", "w"]]);
    expect(inputs(2, 3n)).toEqual([3, ["x", "w"]]);
    expect(inputs(11, 10n)).toEqual([11, ["x", "w"]]);
  });
});
