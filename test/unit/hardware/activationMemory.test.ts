import { describe, expect, it } from "vitest";
import { peakActivationBytes, type ScheduledNode } from "../../../src/core/hardware/activationMemory.ts";

function node(opType: string, inputs: string, outputs: string): ScheduledNode {
  return { name: `${opType}:${outputs}`, opType, inputs: inputs.split(" "), outputs: outputs.split(" ") };
}

function peak(
  nodes: readonly ScheduledNode[],
  sizes: Readonly<Record<string, number>>,
  graph: { inputs?: readonly string[]; outputs?: readonly string[] } = {},
) {
  return peakActivationBytes(
    nodes,
    { inputs: graph.inputs ?? ["x"], outputs: graph.outputs ?? ["y"] },
    (name) => sizes[name],
  );
}

describe("peak activation memory", () => {
  it("of a chain is the largest input and output of one node", () => {
    const nodes = [node("Conv", "x w1", "a"), node("Conv", "a w2", "b"), node("Conv", "b w3", "y")];
    const result = peak(nodes, { x: 10, a: 40, b: 30, y: 5 });
    expect(result).toMatchObject({ peak: 70, at: "Conv:b", unknown: [] });
    expect(result.live).toEqual([
      { tensors: ["a"], bytes: 40 },
      { tensors: ["b"], bytes: 30 },
    ]);
  });

  it("holds a residual's input over the whole branch", () => {
    const nodes = [
      node("Conv", "x w", "a"),
      node("Conv", "a w", "b"),
      node("Conv", "b w", "c"),
      node("Add", "c a", "y"),
    ];
    // while c is made of b, a waits for the addition; the sum is written over c
    expect(peak(nodes, { x: 1, a: 10, b: 20, c: 10, y: 10 })).toMatchObject({ peak: 40, at: "Conv:c" });
  });

  it("lets an elementwise operator write over an input that dies there", () => {
    const nodes = [node("Conv", "x w", "a"), node("Relu", "a", "y")];
    expect(peak(nodes, { x: 10, a: 40, y: 40 })).toMatchObject({ peak: 50, at: "Conv:a" });
  });

  it("but not over one that is read later, nor over one of another size", () => {
    const kept = [node("Relu", "x", "a"), node("Add", "a x", "y")];
    // Relu can't use x; Add writes over a (or x)
    expect(peak(kept, { x: 10, a: 10, y: 10 }).peak).toBe(20);
    const broadcast = [node("Add", "x c", "y")];
    expect(peak(broadcast, { x: 10, y: 40 }).peak).toBe(50);
  });

  it("writes over the second input where the first lives on", () => {
    const nodes = [node("Conv", "x w", "a"), node("Add", "x a", "b"), node("Mul", "b x", "y")];
    expect(peak(nodes, { x: 10, a: 10, b: 10, y: 10 })).toMatchObject({ peak: 20 });
  });

  it("does not let a convolution write over its input", () => {
    expect(peak([node("Conv", "x w", "y")], { x: 10, y: 10 }).peak).toBe(20);
  });

  it("takes a view for the same memory, also when the viewed tensor is read later", () => {
    const nodes = [node("Reshape", "x shape", "v"), node("Conv", "v w", "a"), node("Concat", "a x", "y")];
    const result = peak(nodes, { x: 10, v: 10, a: 5, y: 15 });
    expect(result).toMatchObject({ peak: 30, at: "Concat:y" });
  });

  it("does not overwrite memory that a view of it still needs", () => {
    const nodes = [node("Reshape", "x s", "v"), node("Relu", "x", "a"), node("Concat", "a v", "y")];
    // x dies at Relu, but v is the same memory: a needs its own
    expect(peak(nodes, { x: 10, v: 10, a: 10, y: 20 })).toMatchObject({ peak: 40, at: "Concat:y" });
    expect(peak(nodes.slice(0, 2), { x: 10, v: 10, a: 10 }, { outputs: ["a", "v"] }).peak).toBe(20);
  });

  it("keeps graph outputs to the end and graph inputs from the start", () => {
    const early = [
      node("Conv", "x w", "y"),
      node("Conv", "y w", "a"),
      node("Conv", "a w", "b"),
      node("Conv", "b w", "z"),
    ];
    expect(peak(early, { x: 1, y: 10, a: 20, b: 20, z: 1 }, { outputs: ["y", "z"] })).toMatchObject({
      peak: 50,
      at: "Conv:b",
    });
    const late = [node("Conv", "x w", "a"), node("Concat", "a x2", "y")];
    expect(peak(late, { x: 10, x2: 100, a: 1, y: 2 }, { inputs: ["x", "x2"] })).toMatchObject({
      peak: 111,
      at: "Conv:a",
    });
  });

  it("counts every output of a node, also one that nobody reads", () => {
    const nodes = [node("Split", "x", "a b"), node("Conv", "a w", "y")];
    expect(peak(nodes, { x: 10, a: 5, b: 5, y: 1 })).toMatchObject({ peak: 20, at: "Split:a b" });
  });

  it("does not count constants, nor what is made of constants alone", () => {
    const nodes = [
      { name: "const", opType: "Constant", inputs: [], outputs: ["c"] },
      node("DequantizeLinear", "w scale zero", "dq"),
      node("Transpose", "dq", "t"),
      node("Conv", "x t c", "y"),
    ];
    expect(peak(nodes, { x: 10, y: 10, w: 1e6, dq: 1e6, t: 1e6, c: 1e6 })).toMatchObject({ peak: 20, unknown: [] });
  });

  it("tells which tensors have no size, and counts them as nothing", () => {
    const result = peak([node("Conv", "x w", "a"), node("Relu", "a", "y")], { x: 10, y: 7 });
    expect(result).toMatchObject({ peak: 10, at: "Conv:a", unknown: ["a"] });
  });

  it("skips inputs and outputs that are left out", () => {
    const nodes = [{ name: "clip", opType: "Clip", inputs: ["x", "", ""], outputs: ["y", ""] }];
    expect(peak(nodes, { x: 10, y: 10, "": 99 })).toMatchObject({ peak: 10, unknown: [] });
  });

  it("of a graph without nodes is its inputs", () => {
    expect(peak([], { x: 10 }, { outputs: ["x"] })).toEqual({
      peak: 10,
      at: undefined,
      live: [{ tensors: ["x"], bytes: 10 }],
      unknown: [],
    });
  });

  it("agrees with a sum over all tensors at every step where nothing can share memory", () => {
    // 200 convolutions, each reading the last output and one of a few steps before
    const nodes = Array.from({ length: 200 }, (_, i) =>
      node("Conv", `t${i} t${Math.max(0, i - (i % 7))} w`, `t${i + 1}`),
    );
    const sizes = Object.fromEntries(Array.from({ length: 201 }, (_, i) => [`t${i}`, 1 + ((i * 37) % 101)]));
    const lastUse = new Map<string, number>();
    for (const [step, { inputs }] of nodes.entries()) for (const input of inputs) lastUse.set(input, step);
    lastUse.set("t200", 199);
    let expected = 0;
    for (let step = 0; step < 200; step += 1) {
      let sum = 0;
      for (let i = 0; i <= 200; i += 1)
        if (i - 1 <= step && step <= (lastUse.get(`t${i}`) ?? i - 1)) sum += sizes[`t${i}`] ?? 0;
      expected = Math.max(expected, sum);
    }
    expect(peak(nodes, sizes, { inputs: ["t0"], outputs: ["t200"] }).peak).toBe(expected);
  });

  it("asks for each tensor's size once, however long the network is", () => {
    const nodes = Array.from({ length: 10_000 }, (_, i) => node(i % 2 ? "Relu" : "Conv", `t${i}`, `t${i + 1}`));
    let asked = 0;
    const size = () => {
      asked += 1;
      return 10;
    };
    expect(peakActivationBytes(nodes, { inputs: ["t0"], outputs: ["t10000"] }, size).peak).toBe(20);
    expect(asked).toBe(10_001);
  });
});
