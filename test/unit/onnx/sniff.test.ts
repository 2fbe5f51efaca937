import { describe, expect, it } from "vitest";
import { readModel } from "../../../src/core/onnx/read.ts";
import { isText, recognize } from "../../../src/core/onnx/sniff.ts";
import * as wire from "../../support/onnx/encode.ts";
import { refusal } from "../../support/onnx/errors.ts";
import { countingSource } from "../../support/onnx/sources.ts";

const latin1 = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const lfs = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 132735151\n";

describe("a file that is no model", () => {
  it.each([
    ["a git-lfs pointer", latin1(lfs), "git lfs pull"],
    ["a web page", latin1("<!DOCTYPE html><html><body>404</body></html>"), "web page"],
    ["a web page after blanks and a byte-order mark", latin1("\u00ef\u00bb\u00bf\r\n  <HTML lang=en>"), "web page"],
    ["XML", latin1('<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'), "web page"],
    ["a zip archive", latin1("PK\u0003\u0004\u0014\u0000\u0000\u0000"), "torch.onnx.export"],
    ["a gzip archive", latin1("\u001f\u008b\u0008\u0000"), "Unpack"],
    ["HDF5", latin1("\u0089HDF\r\n\u001a\n"), "tf2onnx"],
    ["TensorFlow Lite", latin1("\u001c\u0000\u0000\u0000TFL3"), "tf2onnx"],
    ["ONNX Runtime's own format", latin1("\u0018\u0000\u0000\u0000ORTM"), ".onnx file it was made from"],
    ["GGUF", latin1("GGUF\u0003\u0000\u0000\u0000"), "ONNX"],
    ["safetensors", latin1('\u0050\u0001\u0000\u0000\u0000\u0000\u0000\u0000{"__metadata__":{}}'), "Export the model"],
    ["a pickle", latin1("\u0080\u0002}q\u0000"), "torch.onnx.export"],
    ["a NumPy array", latin1("\u0093NUMPY\u0001\u0000"), "calibration"],
    ["a picture", latin1("\u0089PNG\r\n\u001a\n"), ".onnx"],
  ])("is recognized as %s, with what to do about it", async (_, bytes, hint) => {
    const error = await refusal(readModel(countingSource(bytes), { file: "f.onnx" }));
    expect(error.code).toBe("SQ2002");
    expect(`${error.message} ${error.remedy}`).toContain(hint);
    expect(error.place).toEqual({ file: "f.onnx", byte: 0 });
  });

  it.each(["key: value\n".repeat(40), '{"json": [1, 2, 3]}', "Zeilen ohne Ende, mit Ümläuten — 日本語"])(
    "is recognized as text: %j",
    async (text) => {
      const error = await refusal(readModel(countingSource(new TextEncoder().encode(text))));
      expect(error.code).toBe("SQ2002");
      expect(error.message).toContain("text");
    },
  );

  it("is text also when a character is cut at the end of what is looked at", () => {
    expect(isText(new TextEncoder().encode("日本語日本語").slice(0, -1))).toBe(true);
    expect(isText(latin1("caf\u00e9 au lait"))).toBe(false);
    expect(isText(latin1("short"))).toBe(false);
  });
});

describe("a model", () => {
  it("is never taken for something else, whatever its first field", () => {
    const starts = [
      wire.number(wire.model.irVersion, 8),
      wire.bytes(wire.model.producerName, "PK\u0003\u0004"),
      wire.bytes(wire.model.producerName, "<html>"),
      wire.bytes(wire.model.graph, new Uint8Array(600)),
      wire.bytes(wire.model.opsetImport, wire.number(2, 13)),
      wire.bytes(wire.model.metadataProps, wire.bytes(1, "GGUF")),
      wire.bytes(6, "version https://git-lfs"),
    ];
    for (const start of starts) expect(recognize(start)).toBeUndefined();
  });
});
