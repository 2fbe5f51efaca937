import { create, type DescMessage, type Message, toJson } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType as A,
  type AttributeProto,
  AttributeProtoSchema,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  TensorProto_DataType as T,
  TensorProto_DataLocation,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from "onnx-buf";
import { describe, expect, it } from "vitest";
import { random as randomOf } from "../../../src/core/data/random.ts";
import { attribute, node, valueInfo } from "../../../src/core/onnx/build.ts";
import type { OnnxModel } from "../../../src/core/onnx/model.ts";
import { TensorStore } from "../../../src/core/onnx/tensors.ts";
import { modelText, type TextNode, textNodes } from "../../../src/core/onnx/textModel.ts";
import { everything, floats, many } from "../../support/onnx/everything.ts";
import { chainFile } from "../../support/onnx/generated.ts";
import { graphOf, type ModelParts, modelOf, readBytes } from "../../support/onnx/models.ts";
import { parseOnnxText } from "../../support/onnx/parseText.ts";

const textOf = (parts: ModelParts) => modelText(modelOf(parts)).text;

/** Messages with all their fields, whether set or not: what was read and what was made differ in that. */
const plain = (desc: DescMessage, messages: readonly Message[] = []) =>
  messages.map((message) => toJson(desc as never, message as never));

/** The line of a text that has something. */
function lineWith(text: string, piece: string): string {
  const found = text.split("\n").find((line) => line.includes(piece));
  if (found === undefined) throw new Error(`no ${piece} in\n${text}`);
  return found.trim();
}

function attributeLine(made: AttributeProto): string {
  const text = textOf({ nodes: [node("Op", ["x"], ["y"], { attributes: [made] })] });
  return lineWith(text, "y = Op").replace(/^y = Op | \(x\)/g, "");
}

const tensorOf = (dataType: number, dims: readonly number[], rawData: ArrayLike<number> & ArrayBufferView) =>
  create(TensorProtoSchema, {
    name: "t",
    dataType,
    dims: dims.map(BigInt),
    rawData: new Uint8Array(rawData.buffer as ArrayBuffer),
  });

describe("a model as text", () => {
  it("has a line for its facts, its inputs and outputs, and for each constant and node", () => {
    const text = textOf({
      opset: 17,
      inputs: [valueInfo("input", T.FLOAT, ["N", 3, 32, 32])],
      outputs: [valueInfo("logits", T.FLOAT, ["N", 10])],
      initializers: [floats("conv1.weight", 216), floats("shape", 2, 1)],
      nodes: [
        node("Conv", ["input", "conv1.weight", ""], ["h0"], {
          name: "conv1",
          attributes: [attribute.ints("pads", [1, 1, 1, 1]), attribute.int("group", 1)],
        }),
        node("Relu", ["h0"], ["logits"]),
      ],
    });
    expect(text).toBe(`<ir_version: 8, opset_import: ["" : 17]>
g (float[N,3,32,32] input) => (float[N,10] logits)
<
  float[216] "conv1.weight" = {},  # 216 values, 864 B
  float[2] shape = {1.0, 2.0}
>
{
  [conv1] h0 = Conv <pads = [1, 1, 1, 1], group = 1> (input, "conv1.weight", "")
  logits = Relu (h0)
}
`);
  });

  it("tells the facts that the file has, each on its line where they are many", () => {
    const { text } = modelText(
      modelOf({
        more: {
          producerName: "pytorch",
          producerVersion: "2.1",
          domain: "org.example",
          modelVersion: 3n,
          docString: 'says "hello"\nand more',
          metadataProps: [{ key: "author", value: "x".repeat(300) }],
          opsetImport: [
            { domain: "", version: 17n },
            { domain: "com.microsoft", version: 1n },
          ],
        },
      }),
    );
    const lines = text.split("\n");
    expect(lines.slice(0, 10)).toEqual([
      "<",
      "  ir_version: 8,",
      '  opset_import: ["" : 17, "com.microsoft" : 1],',
      '  producer_name: "pytorch",',
      '  producer_version: "2.1",',
      '  domain: "org.example",',
      "  model_version: 3,",
      '  doc_string: "says \\"hello\\"␊and more",',
      `  metadata_props: ["author": "${"x".repeat(200)}…"]`,
      ">",
    ]);
  });

  it("writes dimensions that are names, unknown or missing as the syntax does", () => {
    const text = textOf({
      inputs: [
        valueInfo("a", T.FLOAT, ["batch size", null, 3]),
        valueInfo("b", T.INT64, []),
        valueInfo("c", T.DOUBLE),
        create(ValueInfoProtoSchema, { name: "d" }),
      ],
    });
    expect(lineWith(text, "=>")).toBe('g (float["batch size",?,3] a, int64 b, double[] c, d) => ()');
  });

  it("writes types that are no tensors", () => {
    const tensor = { value: { case: "tensorType" as const, value: { elemType: T.FLOAT16, shape: { dim: [] } } } };
    const seq = { value: { case: "sequenceType" as const, value: { elemType: tensor } } };
    const text = textOf({
      inputs: [
        create(ValueInfoProtoSchema, { name: "s", type: seq }),
        create(ValueInfoProtoSchema, {
          name: "m",
          type: { value: { case: "mapType", value: { keyType: T.STRING, valueType: tensor } } },
        }),
        create(ValueInfoProtoSchema, {
          name: "o",
          type: { value: { case: "optionalType", value: { elemType: seq } } },
        }),
        create(ValueInfoProtoSchema, {
          name: "p",
          type: { value: { case: "sparseTensorType", value: { elemType: T.INT8 } } },
        }),
      ],
    });
    const inputs = "(seq(float16) s, map(string, float16) m, optional(seq(float16)) o, sparse_tensor(int8[]) p)";
    expect(lineWith(text, "=>")).toBe(`g ${inputs} => ()`);
  });
});

describe("attributes", () => {
  it.each([
    [attribute.int("i", -7), "<i = -7>"],
    [attribute.ints("i", [1, -(2n ** 63n)]), "<i = [1, -9223372036854775808]>"],
    [attribute.ints("axes", []), "<axes: ints = []>"],
    [attribute.float("f", 0.1), "<f = 0.1>"],
    [attribute.float("f", 2), "<f = 2.0>"],
    [attribute.float("f", 1e-30), "<f = 1e-30>"],
    [attribute.floats("f", [-0, Number.POSITIVE_INFINITY, -1e30]), "<f = [-0.0, inf, -1e+30]>"],
    [attribute.string("s", 'a "b" \\'), '<s = "a \\"b\\" \\\\">'],
    [attribute.strings("s", ["", "é"]), '<s = ["", "é"]>'],
    [attribute.tensor("t", floats("", 2)), "<t = float[2] {0.0, 1.0}>"],
    [attribute.tensor("t", floats("named", 1)), "<t = float[1] named {0.0}>"],
    [attribute.tensor("t", floats("no name/", 1)), "<t = float[1] {0.0}>"],
    [create(AttributeProtoSchema, { name: "r", type: A.INTS, refAttrName: "axes" }), "<r: ints = @axes>"],
    [
      create(AttributeProtoSchema, { name: "t", type: A.TENSORS, tensors: [floats("", 1), floats("", 2)] }),
      "<t: tensors = [float[1] {0.0}, float[2] {0.0, 1.0}]>",
    ],
    [
      create(AttributeProtoSchema, { name: "t", type: A.TYPE_PROTO, tp: valueInfo("", T.INT4, [2]).type ?? {} }),
      "<t: type_proto = int4[2]>",
    ],
  ] as const)("are written as onnx.parser reads them: %#", (made, expected) => {
    expect(attributeLine(made)).toBe(expected);
  });

  it("of files that do not say their types have those of their values", () => {
    const made = create(AttributeProtoSchema, { name: "f", f: 0.5 });
    expect(attributeLine(made)).toBe("<f = 0.5>");
    expect(attributeLine(create(AttributeProtoSchema, { name: "f", floats: [0.5] }))).toBe("<f = [0.5]>");
  });

  it("are cut where they are long, which the end of the line tells", () => {
    const long = attribute.ints(
      "ids",
      Array.from({ length: 2000 }, (_, i) => i),
    );
    const line = attributeLine(long);
    expect(line).toMatch(/^<ids = \[0, 1, .*, 31\]> {2}# ids: 32 of 2,000 values$/);
    expect(attributeLine(attribute.string("s", "a".repeat(1000)))).toBe(
      `<s = "${"a".repeat(200)}…">  # s: 800 more characters`,
    );
  });

  it("that the syntax has no form for are told of at the end of the line", () => {
    const [, , custom] = everything().graph?.node ?? [];
    const sparse = custom?.attribute.find(({ name }) => name === "sparse");
    expect(attributeLine(sparse as AttributeProto)).toMatch(
      /^\(x\) {2}# sparse: sparse_tensor\(float\[\d+\]\), 512 values$/,
    );
  });
});

describe("constants", () => {
  it.each([
    ["float", tensorOf(T.FLOAT, [], new Float32Array([1.5])), "float t = {1.5}"],
    ["double", tensorOf(T.DOUBLE, [1], new Float64Array([0.1])), "double[1] t = {0.1}"],
    ["int8", tensorOf(T.INT8, [2], new Int8Array([-1, 127])), "int8[2] t = {-1, 127}"],
    ["uint16", tensorOf(T.UINT16, [1], new Uint16Array([65535])), "uint16[1] t = {65535}"],
    ["bool", tensorOf(T.BOOL, [2], new Uint8Array([1, 0])), "bool[2] t = {1, 0}"],
    [
      "int64",
      tensorOf(T.INT64, [1], new BigInt64Array([-(2n ** 63n)]) as never),
      "int64[1] t = {-9223372036854775808}",
    ],
    [
      "float16",
      tensorOf(T.FLOAT16, [2], new Uint16Array([0x3c00, 0x3800])),
      "float16[2] t = {15360, 14336}  # = 1.0, 0.5",
    ],
    ["int4", tensorOf(T.INT4, [3], new Uint8Array([0x21, 3])), "int4[3] t = {}  # 3 values, 2 B"],
    ["no values", tensorOf(T.FLOAT, [0, 3], new Float32Array([])), "float[0,3] t = {}"],
    [
      "typed data",
      create(TensorProtoSchema, { name: "t", dataType: T.INT64, dims: [2n], int64Data: [1n, -1n] }),
      "int64[2] t = {1, -1}",
    ],
    [
      "strings",
      create(TensorProtoSchema, { name: "t", dataType: T.STRING, dims: [1n], stringData: [new Uint8Array([34])] }),
      'string[1] t = {"\\""}',
    ],
    ["data that do not fit", tensorOf(T.FLOAT, [4], new Float32Array([1])), "float[4] t = {}  # 4 values, 16 B"],
  ])("of %s", (_, tensor, expected) => {
    expect(lineWith(textOf({ initializers: [tensor] }), " t = ")).toBe(expected);
  });

  it("in files of their own say where", () => {
    const tensor = create(TensorProtoSchema, {
      name: "w",
      dataType: T.FLOAT,
      dims: [1024n],
      dataLocation: TensorProto_DataLocation.EXTERNAL,
      externalData: [{ key: "location", value: "weights.bin" }],
    });
    const line = lineWith(textOf({ initializers: [tensor] }), " w = ");
    expect(line).toBe('float[1024] w = ["location": "weights.bin"]  # 1,024 values, 4.0 KiB');
  });
});

describe("the text, read back", () => {
  const parsed = (model: OnnxModel) => parseOnnxText(modelText(model).text);

  it("is the same model but for what is left out", () => {
    const proto = everything();
    const model = { proto, graph: proto.graph ?? graphOf({}), tensors: new TensorStore() };
    const back = parsed(model);
    const facts = ({ irVersion, opsetImport, metadataProps, producerName, modelVersion }: ModelProto) =>
      plain(ModelProtoSchema, [
        create(ModelProtoSchema, { irVersion, opsetImport, metadataProps, producerName, modelVersion }),
      ]);
    expect(facts(back)).toEqual(facts(proto));
    const names = ({ node: nodes }: { node: ModelProto["functions"][number]["node"] }) =>
      nodes.map(({ name, opType, domain, input, output }) => ({ name, opType, domain, input, output }));
    expect(names(back.graph ?? graphOf({}))).toEqual(names(model.graph));
    expect(plain(ValueInfoProtoSchema, back.graph?.valueInfo)).toEqual(
      plain(ValueInfoProtoSchema, model.graph.valueInfo),
    );
    expect(back.functions.map(({ name, overload, input, attribute: own }) => ({ name, overload, input, own }))).toEqual(
      [{ name: "F", overload: "o", input: ["a"], own: ["alpha"] }],
    );
    const bodies = back.graph?.node[1]?.attribute.map(({ g }) => g && names(g));
    expect(bodies).toEqual(model.graph.node[1]?.attribute.map(({ g }) => g && names(g)));
    const written = new Map(back.graph?.node[2]?.attribute.map((each) => [each.name, each]));
    for (const own of model.graph.node[2]?.attribute ?? []) {
      if (/^(sparse|sparses|graphs|tensors|s)$/.test(own.name)) continue;
      const back = written.get(own.name);
      expect(plain(AttributeProtoSchema, back && [back])).toEqual(plain(AttributeProtoSchema, [own]));
    }
    expect(written.get("tensors")?.tensors.map(({ dims }) => dims)).toEqual([[3n], [BigInt(many)]]);
    expect(written.get("graphs")?.graphs.map(names)).toHaveLength(2);
  });

  it("has every name as it was, whatever is in it", () => {
    const random = randomOf(7);
    const alphabet = [...'aZ_09./:"\\ #<>{}[](),=@é中😀-'];
    const name = () =>
      Array.from(
        { length: 1 + Math.floor(random.next() * 8) },
        () => alphabet[Math.floor(random.next() * alphabet.length)],
      ).join("");
    for (let round = 0; round < 200; round++) {
      const [label, input, output, weight, dim, key] = [name(), name(), name(), name(), name(), name()];
      const graph = create(GraphProtoSchema, {
        name: name(),
        input: [valueInfo(input, T.FLOAT, [dim, 2])],
        output: [valueInfo(output, T.FLOAT)],
        initializer: [floats(weight, 3)],
        node: [
          node("Op", [input, "", weight], [output, ""], {
            name: label,
            attributes: [attribute.string("s", name()), attribute.strings("l", [name(), name()])],
          }),
        ],
      });
      const proto = create(ModelProtoSchema, {
        irVersion: 8n,
        graph,
        metadataProps: [{ key, value: name() }],
        opsetImport: [{ domain: name(), version: 1n }],
      });
      const back = parsed({ proto, graph, tensors: new TensorStore() });
      expect(back.metadataProps.map(({ key, value }) => [key, value])).toEqual(
        proto.metadataProps.map(({ key, value }) => [key, value]),
      );
      expect(back.opsetImport[0]?.domain).toBe(proto.opsetImport[0]?.domain);
      expect(plain(NodeProtoSchema, back.graph?.node)).toEqual(plain(NodeProtoSchema, graph.node));
      expect(plain(ValueInfoProtoSchema, back.graph?.input)).toEqual(plain(ValueInfoProtoSchema, graph.input));
      expect(back.graph?.name).toBe(graph.name);
      expect(back.graph?.initializer.map(({ name: own }) => own)).toEqual([weight]);
    }
  });

  it("has every float32 number as it was", () => {
    const random = randomOf(11);
    const pattern = new Uint32Array(1);
    const number = new Float32Array(pattern.buffer);
    const values = Array.from({ length: 500 }, () => {
      pattern[0] = random.next() * 2 ** 32;
      return number[0] as number;
    }).filter((value) => !Number.isNaN(value));
    for (let at = 0; at < values.length; at += 16) {
      const own = attribute.floats("f", values.slice(at, at + 16));
      const back = parsed(modelOf({ nodes: [node("Op", [], ["y"], { attributes: [own] })] }));
      expect(back.graph?.node[0]?.attribute[0]?.floats).toEqual(own.floats);
    }
  });

  it("has no line breaks or other control characters in names, which would move an editor's lines", () => {
    const strange = "a\r\nb\u2028c\u0000d\ufeff\ud800";
    const { text } = modelText(modelOf({ nodes: [node("Op", [strange], ["y"], { name: strange })] }));
    expect(text.split("\n")).toHaveLength(6);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u2028\ufeff\ud800]/);
  });
});

describe("places in the text", () => {
  const model = () => {
    const then = graphOf({
      nodes: [node("MatMul", ["x", "w"], ["inner"], { name: "deep" })],
      outputs: [valueInfo("inner", T.FLOAT)],
    });
    return modelOf({
      inputs: [valueInfo("x", T.FLOAT, [1]), valueInfo("cond", T.BOOL, [])],
      initializers: [floats("w", 300)],
      nodes: [
        node("Relu", ["x"], ["r"], { domain: "com.example" }),
        node("If", ["cond"], ["y"], {
          name: "branch",
          attributes: [attribute.int("mode", 1), attribute.graph("then_branch", then)],
        }),
        node("Conv", ["r", "w"], ["z"], {
          name: "layer/conv",
          attributes: [attribute.tensor("value", floats("", 99))],
        }),
      ],
      more: {
        functions: [
          { name: "F", domain: "com.example", input: ["a"], output: ["b"], node: [node("Gemm", ["a"], ["b"])] },
        ],
      },
    });
  };
  const made = modelText(model());
  const piece = ({ offset, length }: { offset: number; length: number }) => made.text.slice(offset, offset + length);
  const nodes = new Map([...textNodes(made.graphs)].map((each): [string, TextNode] => [each.path, each]));

  it("are known for every node, by the paths that layers have", () => {
    expect([...nodes.keys()]).toEqual(["0", "1", "1/then_branch/0", "2", "F/0"]);
    expect([...nodes.values()].map(({ opSpan }) => piece(opSpan))).toEqual([
      "com.example.Relu",
      "If",
      "MatMul",
      "Conv",
      "Gemm",
    ]);
    expect([...nodes.values()].map(({ labelSpan }) => labelSpan && piece(labelSpan))).toEqual([
      undefined,
      "branch",
      "deep",
      '"layer/conv"',
      undefined,
    ]);
  });

  it("are behind a node's operands where something can be said of it", () => {
    const conv = nodes.get("2") as TextNode;
    expect(piece(conv.span)).toBe('["layer/conv"] z = Conv <value = float[99] {}> (r, w)');
    expect(made.text.slice(conv.end)).toMatch(/^ {2}# value: 99 values, 396 B\n/);
    expect(made.text.slice(0, (nodes.get("1") as TextNode).end)).toMatch(/If \(cond\)$/);
  });

  it("are known for values: where each is defined, constants and inputs included", () => {
    const [graph] = made.graphs;
    const found = [...(graph?.values ?? [])].map(([name, span]) => [name, piece(span)]);
    expect(found).toEqual([
      ["x", "x"],
      ["cond", "cond"],
      ["w", "w"],
      ["r", "r"],
      ["y", "y"],
      ["z", "z"],
    ]);
    expect(nodes.get("1")?.graphs[0]?.values.has("inner")).toBe(true);
  });

  it("are known for the parts that take lines: they end with the nodes", () => {
    const [graph, body] = made.graphs;
    expect(graph?.parts.map((span) => `${piece(span).at(0)}${piece(span).at(-1)}`)).toEqual(["g)", "<>", "{}"]);
    expect(body?.parts.map((span) => `${piece(span).at(0)}${piece(span).at(-1)}`)).toEqual(["<>", "F)", "{}"]);
    expect(body && piece(body.span)).toMatch(/^<domain: "com.example"[\s\S]*\}$/);
  });
});

describe("a model of 10,000 nodes", () => {
  it("is all there", async () => {
    const model = await readBytes(chainFile(10_000));
    const made = modelText(model);
    expect([...textNodes(made.graphs)]).toHaveLength(10_000);
    const back = parseOnnxText(made.text);
    const names = (nodes: readonly NodeProto[] = []) =>
      nodes.map(({ name, opType, input, output }) => [name, opType, input, output].join("\n")).join("\n\n");
    expect(names(back.graph?.node)).toBe(names(model.graph.node));
    expect(back.graph?.valueInfo).toHaveLength(model.graph.valueInfo.length);
  });

  it("is cut where the text would be too long, and stays a text that can be read", async () => {
    const model = await readBytes(chainFile(10_000));
    model.graph.valueInfo.length = 0;
    const cut = modelText(model, 600_000);
    expect(cut.text.length).toBeLessThan(610_000);
    expect(cut.text).toMatch(/# [\d,]+ more nodes are left out\n\}\n$/);
    expect(parseOnnxText(cut.text).graph?.node.length).toBe([...textNodes(cut.graphs)].length);
    expect(() => parseOnnxText(modelText(model, 10_000).text)).not.toThrow();
  });
});
