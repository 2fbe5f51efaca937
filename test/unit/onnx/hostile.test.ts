import { toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, TensorProto_DataType as T } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { random } from "../../../src/core/data/random.ts";
import { modelErrors } from "../../../src/core/onnx/errors.ts";
import * as limits from "../../../src/core/onnx/limits.ts";
import { readModel } from "../../../src/core/onnx/read.ts";
import * as wire from "../../support/onnx/encode.ts";
import { refusal } from "../../support/onnx/errors.ts";
import { everything } from "../../support/onnx/everything.ts";
import { countingSource } from "../../support/onnx/sources.ts";

const { graph, model, modelFile, nodeField, tensorField } = wire;
type Slug = (typeof modelErrors)[keyof typeof modelErrors]["slug"];

/** No file here is large, and none may cost more than a large real model does; a few seconds on a slow, busy machine. */
const timeLimitMs = 10_000;

async function refuse(bytes: Uint8Array): Promise<{ slug: string; byte: number | undefined; message: string }> {
  const started = performance.now();
  const source = countingSource(bytes);
  const error = await refusal(readModel(source, { file: "hostile.onnx" }));
  expect(performance.now() - started).toBeLessThan(timeLimitMs);
  // Once for the window that moves on, once for the head, once for what lies across two windows.
  expect(source.bytesRead()).toBeLessThanOrEqual(3 * bytes.length + 2 * limits.minWindowBytes);
  expect(error.code).toMatch(/^SQ20\d\d$/);
  expect(error.message.length).toBeLessThan(500);
  expect(error.remedy).not.toBe("");
  return { slug: error.slug, byte: error.place.byte, message: error.message };
}

function repeat(part: Uint8Array, times: number): Uint8Array {
  const out = new Uint8Array(part.length * times);
  for (let i = 0; i < times; i++) out.set(part, i * part.length);
  return out;
}

/** A message inside itself, `depth` times. */
function nested(depth: number, wrap: (inner: Uint8Array) => Uint8Array): Uint8Array {
  let bytes = new Uint8Array(0);
  for (let i = 0; i < depth; i++) bytes = new Uint8Array(wrap(bytes));
  return bytes;
}

const tensor = (...fields: readonly Uint8Array[]) => modelFile(wire.bytes(graph.initializer, ...fields));
const node = (...fields: readonly Uint8Array[]) => modelFile(wire.bytes(graph.node, ...fields));
const filler = wire.bytes(graph.docString, "x".repeat(2000));
const float = wire.number(tensorField.dataType, T.FLOAT);
const negative = (2n ** 64n - 3n) as bigint;

const cases: readonly (readonly [name: string, slug: Slug, bytes: Uint8Array])[] = [
  ["nothing", "empty-file", new Uint8Array(0)],
  ["one byte", "truncated-model", Uint8Array.of(0x3a)],
  ["a zero", "malformed-model", Uint8Array.of(0)],
  ["zeros", "malformed-model", new Uint8Array(5000)],
  ["only a version", "no-graph", wire.number(model.irVersion, 8)],
  [
    "a lone tensor",
    "malformed-model",
    wire.join(wire.number(1, 3), wire.number(2, 1), wire.bytes(9, new Uint8Array(12))),
  ],
  ["fields of another kind of file", "no-graph", wire.join(wire.bytes(50, "x"), wire.number(51, 1))],
  ["a length beyond the file", "truncated-model", wire.join(wire.number(1, 8), wire.claim(model.graph, 1000, [1, 2]))],
  ["a length of 2^31", "truncated-model", wire.claim(model.graph, 2 ** 31)],
  ["a length of 2^53 + 1", "truncated-model", wire.claim(model.graph, 2n ** 53n + 1n)],
  ["a length of 2^64 - 1", "truncated-model", wire.claim(model.graph, 2n ** 64n - 1n)],
  ["a length beyond the graph around it", "truncated-model", modelFile(wire.claim(graph.node, 500))],
  [
    "a length beyond a large graph",
    "truncated-model",
    wire.join(modelFile(filler, wire.claim(graph.node, 500)), filler),
  ],
  [
    "a tensor's data beyond the tensor",
    "truncated-model",
    wire.join(tensor(wire.claim(tensorField.rawData, 5000)), filler),
  ],
  ["a text beyond its message", "truncated-model", node(wire.claim(nodeField.name, 3, [65]))],
  ["a number that ends with the message", "truncated-model", tensor(Uint8Array.of(0x08, 0x80))],
  ["a fixed number that ends with the message", "truncated-model", node(wire.bytes(5, wire.tag(2, 5), [1, 2]))],
  ["a tag of 11 bytes", "malformed-model", wire.join(Array(10).fill(0x80), [1])],
  ["a length of 11 bytes", "malformed-model", wire.join(wire.tag(model.graph, 2), Array(10).fill(0x80), [1])],
  ["a number of 11 bytes", "malformed-model", wire.join(wire.tag(model.irVersion, 0), Array(10).fill(0xff), [1])],
  ["a number of 11 bytes in a list", "malformed-model", node(wire.bytes(5, wire.bytes(8, Array(10).fill(0xff), [1])))],
  ["field 0", "malformed-model", wire.join(modelFile(), wire.tag(0, 0), [1])],
  ["a field number of 30 bits", "malformed-model", wire.join(modelFile(), wire.varint(2n ** 32n), [1])],
  ["wire type 6", "malformed-model", wire.join(modelFile(), wire.tag(99, 6), [1])],
  ["wire type 7 in a small message", "malformed-model", node(wire.join(wire.tag(99, 7), [1]))],
  ["a graph as a number", "malformed-model", wire.number(model.graph, 5)],
  ["a version as text", "malformed-model", wire.bytes(model.irVersion, "8")],
  ["a node as a fixed number", "malformed-model", modelFile(wire.float32(graph.node, 1))],
  ["a name as a number", "malformed-model", node(wire.number(nodeField.name, 1))],
  ["a float as a double", "malformed-model", node(wire.bytes(5, wire.float64(2, 1)))],
  ["a group as a graph", "malformed-model", wire.join(wire.tag(model.graph, 3), wire.tag(model.graph, 4))],
  ["a group that is not closed", "truncated-model", wire.join(modelFile(), wire.tag(99, 3), wire.number(1, 1))],
  ["a group closed by another", "malformed-model", wire.join(modelFile(), wire.tag(99, 3), wire.tag(98, 4))],
  [
    "a group closed by another in a small message",
    "malformed-model",
    node(wire.join(wire.tag(99, 3), wire.tag(98, 4))),
  ],
  ["a group that was never opened", "malformed-model", wire.join(modelFile(), wire.tag(99, 4))],
  [
    "a million groups in each other",
    "limit-exceeded",
    wire.join(modelFile(), repeat(Uint8Array.from(wire.tag(99, 3)), 1e6)),
  ],
  ["groups in each other in a small message", "limit-exceeded", node(repeat(Uint8Array.from(wire.tag(99, 3)), 400))],
  [
    "graphs in each other, small",
    "limit-exceeded",
    modelFile(nested(40, (inner) => wire.bytes(graph.node, wire.bytes(5, wire.bytes(6, inner))))),
  ],
  [
    "graphs in each other, large",
    "limit-exceeded",
    modelFile(nested(40, (inner) => wire.bytes(graph.node, wire.bytes(5, wire.bytes(6, filler, inner))))),
  ],
  [
    "30 graphs in each other",
    "limit-exceeded",
    modelFile(nested(30, (inner) => wire.bytes(graph.node, wire.bytes(5, wire.bytes(6, inner))))),
  ],
  [
    "sequence types in each other",
    "limit-exceeded",
    modelFile(
      wire.bytes(
        graph.input,
        wire.bytes(
          2,
          nested(200, (inner) => wire.bytes(4, wire.bytes(1, inner))),
        ),
      ),
    ),
  ],
  ["a graph that occurs twice", "malformed-model", wire.join(modelFile(filler), modelFile(filler))],
  ["a name that is no UTF-8", "malformed-model", node(wire.bytes(nodeField.name, [0xc3, 0x28]))],
  [
    "a cut character in a large message",
    "malformed-model",
    modelFile(wire.bytes(graph.name, "x".repeat(3000), [0xe2, 0x82])),
  ],
  ["an overlong character", "malformed-model", node(wire.bytes(nodeField.input, [0xc0, 0x80]))],
  ["a surrogate", "malformed-model", node(wire.bytes(nodeField.output, [0xed, 0xa0, 0x80]))],
  ["a name of 100,000 bytes", "limit-exceeded", node(wire.bytes(nodeField.name, "x".repeat(100_000)))],
  ["2,000 attributes on a node", "limit-exceeded", node(repeat(wire.bytes(nodeField.attribute), 2000))],
  ["a negative dimension", "bad-tensor", tensor(wire.number(tensorField.dims, negative), float)],
  ["dimensions whose product is 2^120", "limit-exceeded", tensor(...Array(4).fill(wire.number(1, 2 ** 30)), float)],
  [
    "dimensions whose product is 2^64 + 1",
    "limit-exceeded",
    tensor(wire.number(1, 274177), wire.number(1, 67280421310721), float),
  ],
  ["the largest dimension there is", "limit-exceeded", tensor(wire.number(1, 2n ** 63n - 1n), float)],
  [
    "large dimensions beside a zero",
    "limit-exceeded",
    tensor(...[0, 2 ** 40, 2 ** 40].map((d) => wire.number(1, d)), float),
  ],
  ["33 dimensions", "limit-exceeded", tensor(...Array(33).fill(wire.number(1, 1)), float)],
  ["a million packed dimensions", "limit-exceeded", tensor(wire.bytes(1, new Uint8Array(1e6).fill(1)), float)],
  ["dimensions without data", "tensor-without-data", tensor(wire.number(1, 10), float)],
  ["too little data", "truncated-tensor", tensor(wire.number(1, 10), float, wire.bytes(9, new Uint8Array(39)))],
  ["too much data", "truncated-tensor", tensor(wire.number(1, 10), float, wire.bytes(9, new Uint8Array(5000)))],
  [
    "data for other dimensions",
    "truncated-tensor",
    tensor(wire.number(1, 10), float, wire.bytes(4, new Uint8Array(8000))),
  ],
  [
    "data in another type's field",
    "tensor-without-data",
    tensor(wire.number(1, 500), float, wire.bytes(10, new Uint8Array(4000))),
  ],
  ["data for a shape of zero", "truncated-tensor", tensor(wire.number(1, 0), float, wire.bytes(9, new Uint8Array(8)))],
  ["half a float", "malformed-model", tensor(wire.number(1, 1), float, wire.bytes(4, [1, 2]))],
  ["external data without a place", "bad-external-data-entry", tensor(wire.number(1, 1), float, wire.number(14, 1))],
  [
    "external data in /etc/passwd",
    "unsafe-external-path",
    tensor(
      wire.number(1, 1),
      float,
      wire.number(14, 1),
      wire.bytes(13, wire.bytes(1, "location"), wire.bytes(2, "/etc/passwd")),
    ),
  ],
  [
    "a tensor in 10,000 pieces",
    "limit-exceeded",
    tensor(wire.number(1, 10_000), float, repeat(wire.bytes(4, new Uint8Array(4)), 10_000)),
  ],
  [
    "two nodes that wait for each other",
    "cyclic-graph",
    modelFile(
      wire.bytes(graph.node, wire.bytes(1, "b"), wire.bytes(2, "a"), wire.bytes(4, "Relu")),
      wire.bytes(graph.node, wire.bytes(1, "a"), wire.bytes(2, "b"), wire.bytes(4, "Relu")),
    ),
  ],
  [
    "two results of one name",
    "duplicate-name",
    modelFile(repeat(wire.bytes(graph.node, wire.bytes(2, "a"), wire.bytes(4, "Relu")), 2)),
  ],
  ["600,000 empty nodes", "limit-exceeded", modelFile(repeat(wire.bytes(graph.node), 600_000))],
  ["a million fields that nobody knows", "limit-exceeded", modelFile(repeat(wire.number(99, 1), 1_000_000))],
  ["five million empty messages", "limit-exceeded", modelFile(repeat(wire.bytes(graph.valueInfo), 5_000_000))],
];

describe("a hostile file", () => {
  it.each(cases)("of %s ends in %s", async (_, slug, bytes) => {
    expect((await refuse(bytes)).slug).toBe(slug);
  });

  it("names the byte at which it goes wrong", async () => {
    const good = modelFile(filler);
    expect((await refuse(wire.join(good, wire.tag(99, 6)))).byte).toBe(good.length);
    const inner = wire.join(wire.number(1, 8), wire.tag(model.graph, 2), wire.varint(2004));
    expect((await refuse(wire.join(inner, wire.bytes(10, "x".repeat(2000))))).byte).toBe(inner.length - 3);
  });

  it("is refused wherever a good file is cut", async () => {
    const whole = toBinary(ModelProtoSchema, everything());
    const slugs = new Set<string>();
    // Every place in the first and last KiB, and places spread over the rest.
    for (let length = 1; length < whole.length; length += length < 1024 || length > whole.length - 1024 ? 1 : 97) {
      const cut = whole.slice(0, length);
      const error = await readModel(countingSource(cut)).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      // Cut between two fields of the model, behind its graph, it is a whole file of fewer fields.
      if (error !== undefined) slugs.add((await refuse(cut)).slug);
    }
    expect([...slugs].sort()).toEqual(["no-graph", "truncated-model"]);
  }, 30_000);

  it("of random bytes ends in an error, a thousand times", async () => {
    const dice = random(1);
    for (let round = 0; round < 1000; round++) {
      const bytes = Uint8Array.from({ length: 1 + dice.below(3000) }, () => dice.below(256));
      await refuse(bytes);
    }
  });

  it("of many tiny messages costs time in proportion to its size, and no more", async () => {
    const bytes = modelFile(repeat(wire.bytes(graph.node, wire.bytes(nodeField.opType, "Relu")), 200_000));
    const started = performance.now();
    const opened = await readModel(countingSource(bytes));
    expect(opened.graph.node.length).toBe(200_000);
    expect(performance.now() - started).toBeLessThan(timeLimitMs);
  });
});

describe("what is odd but allowed", () => {
  it("opens: an empty graph", async () => {
    expect((await readModel(countingSource(wire.bytes(model.graph)))).graph.node).toEqual([]);
  });

  it("opens: documentation that is no UTF-8, with marks in place of what cannot be read", async () => {
    const opened = await readModel(countingSource(modelFile(wire.bytes(graph.docString, [0x63, 0xe9]))));
    expect(opened.graph.docString).toBe("c\ufffd");
  });

  it("opens: numbers, tags and lengths longer than they need be", async () => {
    const long = (value: number) => [value | 0x80, 0x80, 0x80, 0x80, 0x00];
    const bytes = wire.join(
      long(8),
      long(9),
      long(model.graph * 8 + 2),
      long(3),
      long(10).slice(0, 0),
      wire.bytes(2, "g"),
    );
    const opened = await readModel(countingSource(bytes));
    expect([opened.proto.irVersion, opened.graph.name]).toEqual([9n, "g"]);
  });

  it("opens: a scalar of no dimensions, and a tensor of none of its elements", async () => {
    const bytes = modelFile(
      wire.bytes(graph.initializer, float, wire.bytes(4, new Uint8Array(4))),
      wire.bytes(graph.initializer, wire.number(1, 3), wire.number(1, 0), float),
    );
    const opened = await readModel(countingSource(bytes));
    expect(opened.graph.initializer.map((t) => opened.tensors.elements(t))).toEqual([1, 0]);
  });
});

describe("the table of errors", () => {
  it("has one code, one slug and one remedy for each kind, all in the models' range", () => {
    const kinds = Object.values(modelErrors);
    expect(new Set(kinds.map((kind) => kind.code)).size).toBe(kinds.length);
    expect(new Set(kinds.map((kind) => kind.slug)).size).toBe(kinds.length);
    for (const { code, when, remedy } of kinds) {
      expect(code).toMatch(/^SQ20\d\d$/);
      expect(when).toMatch(/^[A-Z].*\.$/);
      expect(remedy).toMatch(/^[A-Z].*[^.]$/);
    }
  });
});
