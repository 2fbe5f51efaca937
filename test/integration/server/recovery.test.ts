import { describe, expect, it } from "vitest";
import type { EditorSnapshot } from "../../../src/protocol/editor.ts";
import { requests } from "../../../src/protocol/requests.ts";
import { testSettings } from "../../support/server.ts";
import { isDecided, smallBench, useServerBuild } from "./support.ts";

useServerBuild();

/** Harm of all layers at 3 bits, each alone. */
function harm({ layers }: EditorSnapshot): number {
  return layers.reduce((sum, { sensitivity }) => sum + (sensitivity?.[3] ?? Number.NaN), 0);
}

describe("the setting of recovery", () => {
  it("changes what is measured, and gives the figures of before when it is set back", async () => {
    const { model, start } = smallBench();
    const server = await start();
    await server.open(model);
    const plain = await server.until(model, isDecided);

    let { now: after } = server;
    await server.request(requests.setSettings, { ...testSettings, recovery: ["clip", "bias", "gptq"] });
    const recovered = await server.until(model, (snapshot) => isDecided(snapshot) && harm(snapshot) !== harm(plain), {
      after,
    });
    expect(harm(recovered)).toBeLessThan(0.7 * harm(plain));
    const uniform = recovered.pareto?.baselines.find(({ bits }) => bits === 3);
    expect(uniform?.rounded?.quantized).toBe(
      plain.pareto?.baselines.find(({ bits }) => bits === 3)?.accuracy?.quantized,
    );

    after = server.now;
    await server.request(requests.setSettings, testSettings);
    const back = await server.until(model, (snapshot) => isDecided(snapshot) && harm(snapshot) !== harm(recovered), {
      after,
    });
    expect(back.layers.map(({ sensitivity }) => sensitivity)).toEqual(
      plain.layers.map(({ sensitivity }) => sensitivity),
    );
  });
});
