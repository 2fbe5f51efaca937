import { describe, expect, it } from "vitest";
import { quantizableSites } from "../../../src/core/model/discover.ts";
import { CandidateWeights, roundToNearest } from "../../../src/core/pipeline/candidates.ts";
import { prepareModel } from "../../../src/core/pipeline/prepare.ts";
import type { RecoveryMethod } from "../../../src/core/recovery/methods.ts";
import { roundInSequence } from "../../../src/core/recovery/sequential.ts";
import { bodyNets } from "../../support/bodies.ts";
import { inference, noisy } from "../../support/ortRun.ts";
import { tinyModel, tinyStore } from "../../support/tinyModel.ts";
import { samplesOf } from "../pipeline/support.ts";

describe("networks with weights in bodies", () => {
  it.each(Object.keys(bodyNets))("are rounded in sequence, but for what bodies hold: %s", async (name) => {
    const store = tinyStore();
    const net = bodyNets[name]?.(store);
    const [feeds] = net?.feeds ?? [];
    if (net === undefined || feeds === undefined) throw new Error("no such net");
    const prepared = await prepareModel(tinyModel(net.spec, store), { inference });
    const sites = quantizableSites(prepared.discovery);
    const { x } = feeds;
    const dataset = {
      ...samplesOf("x", [], x?.dims ?? []),
      samples: 4,
      batch: async (from: number) => ({ feeds: { ...feeds, x: noisy(x?.dims ?? [], from + 1) }, samples: 1 }),
    };
    const made = await roundInSequence(
      {
        prepared,
        bits: new Map(sites.map(({ layer }) => [layer.name, 4])),
        weights: new CandidateWeights(prepared, roundToNearest),
        activations: new Map(),
        dataset,
        inference,
        methods: new Set<RecoveryMethod>(["gptq"]),
        samples: 4,
        batch: 1,
        threads: 1,
      },
      () => {},
    );
    const outside = sites.filter(({ layer, uses }) => !layer.weightsOnly && uses.length === 1);
    expect([...made.keys()]).toEqual(outside.map(({ layer }) => layer.name));
  });
});
