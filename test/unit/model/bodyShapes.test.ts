import { describe, expect, it } from "vitest";
import { prepareModel } from "../../../src/core/pipeline/prepare.ts";
import { bodyNets } from "../../support/bodies.ts";
import { inference } from "../../support/ortRun.ts";
import { tinyModel, tinyStore } from "../../support/tinyModel.ts";

/** MACs of every layer of a net. */
async function macsOf(name: string): Promise<Readonly<Record<string, number | undefined>>> {
  const store = tinyStore();
  const net = bodyNets[name]?.(store);
  if (net === undefined) throw new Error(`no net ${name}`);
  const { discovery } = await prepareModel(tinyModel(net.spec, store), { inference });
  return Object.fromEntries(discovery.layers.map((layer) => [layer.name, layer.macs]));
}

describe("multiply-accumulates in bodies, by hand", () => {
  it("of both branches of an If", async () => {
    // Convolutions: 8 positions, 6 outputs, 4 inputs, 3 taps; products: 8 rows of 6 by 6 x 5.
    expect(await macsOf("the branches of an If")).toEqual({
      before: 8 * 4 * 3,
      conv: 8 * 6 * 12,
      product: 8 * 6 * 5,
      conv_2: 8 * 6 * 12,
      product_2: 8 * 6 * 5,
      behind: 8 * 5 * 2,
    });
  });

  it("of an If inside an If", async () => {
    expect(await macsOf("an If inside an If")).toEqual({ one: 32, two: 32, three: 32 });
  });

  it("of one round of a loop", async () => {
    const name = "a Loop, with a weight of its own and one that the main graph uses too";
    // The main graph multiplies by the shared weight once, and the body once.
    expect(await macsOf(name)).toEqual({ first: 64, own: 32 });
    expect(await macsOf("an If in a Loop, and a table")).toEqual({ t: 0, w: 32, w_2: 32 });
    expect(await macsOf("a Scan, of halves")).toEqual({ step: 16 });
  });
});
