import { describe, expect, it } from "vitest";
import { requests } from "../../../src/protocol/requests.ts";
import { hasLoaded } from "../../support/processes.ts";
import { uriOf } from "../../support/server.ts";
import { filesIn, isDecided, isIdle, noticesOf, smallBench, useServerBuild } from "./support.ts";

useServerBuild();

/** As ONNX Runtime's library is called on all platforms. */
const runtimeLibrary = "onnxruntime";

describe("a workspace that is not trusted", () => {
  it("is read, and ONNX Runtime is not even loaded: sigma, KL, sizes and bits are there, nothing is measured", async () => {
    const { model, folder, start } = smallBench();
    const files = filesIn(folder);
    const server = await start({ trusted: false });
    const first = await server.open(model);
    expect(first.trusted).toBe(false);
    const read = (snapshot: typeof first) =>
      isIdle(snapshot) &&
      snapshot.layers.every(({ sigma, weightErrors }) => sigma !== undefined && weightErrors?.length);
    const last = await server.until(model, read);
    expect(noticesOf(last)).toEqual(["untrusted"]);
    expect(
      last.layers.every(({ sensitivity, weightBits, bytes }) => sensitivity === undefined && weightBits && bytes),
    ).toBe(true);
    expect(last.verdict?.headline).toMatch(/^Fits, accuracy unknown/);
    expect(server.engines.some((pid) => hasLoaded(pid, runtimeLibrary))).toBe(false);
    expect(hasLoaded(server.pid, runtimeLibrary)).toBe(false);
    expect(filesIn(folder)).toEqual(files);
  });

  it("is not run on request either", async () => {
    const { model, folder, start } = smallBench();
    const files = filesIn(folder);
    const server = await start({ trusted: false });
    const uri = uriOf(model);
    await server.open(model);
    await expect(server.request(requests.quantize, { uri, overwrite: true })).rejects.toMatchObject({
      data: { code: "SQ1103", slug: "not-trusted" },
    });
    await server.request(requests.analyze, { uri });
    expect(server.told(model).some(({ work }) => work?.stage === "Measuring")).toBe(false);
    expect(server.engines.some((pid) => hasLoaded(pid, runtimeLibrary))).toBe(false);
    expect(filesIn(folder)).toEqual(files);
  });

  it("is run from the moment on in which it is trusted", async () => {
    const { model, start } = smallBench();
    const server = await start({ trusted: false });
    await server.open(model);
    await server.until(model, (snapshot) => isIdle(snapshot) && snapshot.verdict !== undefined);
    await server.request(requests.trust, { trusted: true });
    const last = await server.until(model, isDecided);
    expect(last.trusted).toBe(true);
    expect(noticesOf(last)).not.toContain("untrusted");
    expect(server.engines.some((pid) => hasLoaded(pid, runtimeLibrary))).toBe(true);
  });
});
