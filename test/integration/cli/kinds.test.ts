import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { OnnxModel } from "../../../src/core/onnx/model.ts";
import { modelBytes } from "../../../src/core/onnx/write.ts";
import type { Plan } from "../../../src/core/plan/types.ts";
import { bodyNets } from "../../support/bodies.ts";
import { tinyModel, tinyStore } from "../../support/tinyModel.ts";
import { transformer } from "../../support/transformer.ts";
import { zoo } from "../../support/zoo.ts";
import { bytesOf, npy, zip } from "../../unit/data/support.ts";
import { json, useProgram } from "./support.ts";

useProgram();

interface Inspected {
  readonly layers: readonly { readonly name: string; readonly floatReason?: string }[];
}

interface Quantized {
  readonly verdict: string;
  readonly notes: readonly string[];
  readonly layers: Plan["layers"];
  readonly files: { readonly model: string };
  readonly evaluation: { readonly nmse: number; readonly agreement?: number };
  readonly budgets: readonly { readonly name: string; readonly use: number | null }[];
}

interface Evaluated {
  readonly nmse: number;
}

async function save(model: OnnxModel): Promise<string> {
  const folder = mkdtempSync(path.join(os.tmpdir(), "sigmaquant-kinds-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, "model.onnx");
  writeFileSync(file, await modelBytes(model));
  return file;
}

/** 16 sentences of 12 tokens. */
function tokens(model: string): string {
  const file = path.join(path.dirname(model), "tokens.npz");
  const ids = BigInt64Array.from({ length: 16 * 12 }, (_, i) => BigInt((i * 37) % 300));
  writeFileSync(file, zip([{ name: "ids.npy", content: npy("<i8", "(16, 12)", bytesOf(ids)) }]));
  return file;
}

/** Made-up samples, few of them. */
const few = ["--samples", "16", "--batch", "16", "--threads", "1"];

async function quantized(file: string, ...more: readonly string[]): Promise<Quantized> {
  const output = path.join(path.dirname(file), "low.onnx");
  const { ended, value } = await json<Quantized>(["quantize", file, ...few, ...more, "-o", output]);
  expect(ended.stderr).not.toContain("    at ");
  expect(ended.code).toBe(0);
  return value;
}

describe("a transformer", () => {
  it("has its embedding and linear layers quantized, its attention left as it is", async () => {
    const file = await save(tinyModel(transformer()));
    const { value: inspected } = await json<Inspected>(["inspect", file]);
    expect(inspected.layers.map(({ name, floatReason }) => [name, floatReason])).toEqual([
      ["embed", undefined],
      ["position.1", "Add is not quantized"],
      ...["query", "key", "value", "out", "up", "down", "head"].map((name) => [name, undefined]),
    ]);
    const eight = await quantized(file, "--strategy", "uniform:8");
    expect(eight.evaluation.nmse).toBeLessThan(1e-3);
    const mixed = await quantized(file, "--bits", "2,4,8", "--weight-memory", "14KiB");
    expect(mixed.verdict).toBe("feasible");
    const embed = mixed.layers.find(({ name }) => name === "embed");
    expect(embed).toMatchObject({ opType: "Gather", activationBits: null, params: 9600 });
    expect(Object.keys(embed?.sensitivity ?? {})).toEqual(["2", "4", "8"]);
    expect(mixed.budgets.every(({ name, use }) => use !== null || name === "latency" || name === "energy")).toBe(true);
    const { value } = await json<Evaluated>(["evaluate", file, mixed.files.model, "--evaluation", tokens(file)]);
    expect(value.nmse).toBeLessThan(0.3);
  });

  it("has matrices in blocks where the device wants them", async () => {
    const file = await save(tinyModel(transformer()));
    const profile = path.join(path.dirname(file), "blocks.hwprofile.json");
    writeFileSync(profile, JSON.stringify({ name: "Blocks", extends: "preset:generic", blockSize: 32 }));
    const [whole, blocks] = [
      await quantized(file, "--strategy", "uniform:4"),
      await quantized(file, "--strategy", "uniform:4", "--profile", profile),
    ];
    const bytesOf = (result: Quantized, name: string) => result.layers.find((layer) => layer.name === name)?.bytes;
    // Of "down" each output's 64 weights have two scales.
    expect((bytesOf(blocks, "down") ?? 0) - (bytesOf(whole, "down") ?? 0)).toBe(4 * 32);
    for (const name of ["embed", "query", "head"]) expect(bytesOf(blocks, name)).toBe(bytesOf(whole, name));
    expect(blocks.evaluation.nmse).toBeLessThan(0.1);
    const { value } = await json<Inspected>(["inspect", blocks.files.model]);
    expect(value.layers.find(({ name }) => name === "down")?.floatReason).toBe("already quantized to 4 bits");
  });
});

describe("a network whose weights are in bodies", () => {
  it.each(Object.keys(bodyNets))("is quantized: %s", async (name) => {
    const store = tinyStore();
    const net = bodyNets[name]?.(store);
    if (net === undefined) throw new Error("no such net");
    const file = await save(tinyModel(net.spec, store));
    const result = await quantized(file, "--strategy", "uniform:8");
    expect(result.layers.map((layer) => [layer.name, layer.weightBits])).toEqual(net.layers.map((each) => [each, 8]));
    expect(result.evaluation.nmse).toBeLessThan(2e-3);
  });
});

it("says that no sample takes a branch", async () => {
  const store = tinyStore();
  const net = bodyNets["the branches of an If"]?.(store);
  if (net === undefined) throw new Error("no such net");
  const result = await quantized(await save(tinyModel(net.spec, store)), "--bits", "4,8", "--input", "c=1");
  expect(result.notes.filter((note) => note.includes("branch that no sample takes"))).toEqual([
    expect.stringMatching(/^2 layers, conv_2 the first, are in a branch that no sample takes/),
  ]);
});

describe("a recurrent network", () => {
  it.each(["lstm", "gru in both directions, behind a layer", "lstm whose gates are put in order"])(
    "is quantized: %s",
    async (name) => {
      const net = zoo[name]?.(17);
      if (net === undefined) throw new Error("no such net");
      const file = await save(tinyModel({ ...net, opset: 17 }));
      const result = await quantized(file, "--bits", "4,8", "--strategy", "exact");
      const recurrent = result.layers.filter(({ opType }) => ["LSTM", "GRU"].includes(opType));
      expect(recurrent).toHaveLength(2);
      for (const layer of recurrent) expect(layer).toMatchObject({ weightBits: 8, activationBits: null });
      expect(result.evaluation.nmse).toBeLessThan(2e-3);
    },
  );
});
