import { describe, expect, it } from "vitest";
import type { EditorSnapshot } from "../../../src/protocol/editor.ts";
import { requests } from "../../../src/protocol/requests.ts";
import { testSettings, uriOf } from "../../support/server.ts";
import { smallBench, useServerBuild } from "../server/support.ts";
import { begun, startQueue, startWorker, usePrograms } from "./support.ts";

usePrograms();
useServerBuild();

/** Each quantizable layer has a figure at each bitwidth. */
const isMeasured = ({ layers }: EditorSnapshot) =>
  layers.length > 0 &&
  layers.every(
    ({ floatReason, sensitivity }) =>
      floatReason !== undefined || testSettings.bits.every((bits) => sensitivity?.[bits] !== undefined),
  );

const sensitivities = ({ layers }: EditorSnapshot) => layers.map(({ name, sensitivity }) => [name, sensitivity]);

describe("the setting of a queue", () => {
  it("has layers measured by its workers, with the figures that this machine has", async () => {
    const queue = await startQueue();
    const worker = await startWorker(queue);
    const far = smallBench();
    const server = await far.start({ settings: { queueUrl: queue.url, recovery: ["bias", "gptq"] } });
    await server.open(far.model);
    const measured = await server.until(far.model, isMeasured);
    expect(begun(worker)).toBe(measured.layers.filter(({ floatReason }) => floatReason === undefined).length);
    const here = smallBench();
    const alone = await here.start({ settings: { recovery: ["bias", "gptq"] } });
    await alone.open(here.model);
    expect(sensitivities(measured)).toEqual(sensitivities(await alone.until(here.model, isMeasured)));
  });

  it("tells that there is no worker, and measures here when it is taken back", async () => {
    const queue = await startQueue();
    const { model, start } = smallBench();
    const server = await start({ settings: { queueUrl: queue.url } });
    await server.open(model);
    const told = await server.until(model, ({ notices }) => JSON.stringify(notices).includes("SQ6202"));
    expect(JSON.stringify(told.notices)).toContain("sigmaquant worker");
    await server.request(requests.setSettings, testSettings);
    await server.request(requests.analyze, { uri: uriOf(model) });
    await server.until(model, isMeasured);
  });
});
