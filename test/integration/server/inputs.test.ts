import { writeFileSync } from "node:fs";
import path from "node:path";
import { TensorProto_DataType as T } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { node } from "../../../src/core/onnx/build.ts";
import { modelBytes } from "../../../src/core/onnx/write.ts";
import { requests } from "../../../src/protocol/requests.ts";
import { testSettings, uriOf } from "../../support/server.ts";
import { tinyModel, weight } from "../../support/tinyModel.ts";
import { emptyBench, isIdle, noticesOf, useServerBuild } from "./support.ts";

useServerBuild();

/** A layer whose 8 values are then taken as `size` rows: any value but the right ones fails. */
const model = tinyModel({
  nodes: [node("Gemm", ["x", "w"], ["y"]), node("Reshape", ["y", "size"], ["z"])],
  inputs: { x: [null, 4], size: { type: T.INT64, dims: [2] } },
  outputs: ["z"],
  constants: { w: weight([4, 8]) },
});

describe("values of inputs in the settings", () => {
  it("let a model run that made-up ones can't, and those of other models are passed over", async () => {
    const { folder, start } = emptyBench();
    const file = path.join(folder, "model.onnx");
    writeFileSync(file, await modelBytes(model));
    const server = await start();
    const uri = uriOf(file);
    await server.open(file);
    await server.until(file, isIdle);
    await server.request(requests.analyze, { uri });
    const failed = await server.until(file, (snapshot) => isIdle(snapshot) && snapshot.notices.length > 0);
    expect(JSON.stringify(failed.notices)).toContain("SQ6007");
    const inputs = { size: [2, 4], other: [7] };
    await server.request(requests.setSettings, { ...testSettings, inputs });
    await server.request(requests.analyze, { uri });
    const measured = await server.until(
      file,
      (snapshot) => isIdle(snapshot) && Object.keys(snapshot.layers[0]?.sensitivity ?? {}).length > 1,
    );
    expect(noticesOf(measured)).toEqual(["synthetic"]);
  });
});
