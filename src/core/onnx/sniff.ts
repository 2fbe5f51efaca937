import type { SigmaQuantError } from "../errors.ts";
import { modelError } from "./errors.ts";

/** Bytes from the start of a file that `recognize` looks at. */
export const sniffBytes = 512;

const magics: readonly (readonly [offset: number, magic: string, what: string, remedy?: string])[] = [
  [
    0,
    "PK\u0003\u0004",
    "a zip archive (PyTorch saves its models so)",
    "Unpack it, or export the model with torch.onnx.export",
  ],
  [0, "\u001f\u008b", "a gzip archive", "Unpack it first"],
  [0, "BZh", "a bzip2 archive", "Unpack it first"],
  [0, "7z\u00bc\u00af", "a 7-Zip archive", "Unpack it first"],
  [0, "(\u00b5/\u00fd", "a Zstandard archive", "Unpack it first"],
  [0, "\u0089HDF\r\n", "an HDF5 file (Keras saves its models so)", "Convert it with tf2onnx"],
  [4, "TFL3", "a TensorFlow Lite model", "Convert it with tf2onnx, or export the original model as ONNX"],
  [4, "ORTM", "a model in ONNX Runtime's own .ort format", "Give the .onnx file it was made from"],
  [0, "GGUF", "a GGUF model", "Export the original model as ONNX"],
  [0, "\u0080\u0002}", "a Python pickle", "Export the model with torch.onnx.export"],
  [0, "\u0093NUMPY", "a NumPy array", "Give an .onnx file; arrays are for calibration"],
  [0, "\u0089PNG", "a PNG image"],
  [0, "\u00ff\u00d8\u00ff", "a JPEG image"],
  [0, "%PDF-", "a PDF document"],
  [0, "\u007fELF", "a program"],
];

/**
 * What a file is that is no ONNX model, by its first bytes; undefined when nothing speaks against a model. None of the
 * marks is the start of a valid protobuf message of a model.
 */
export function recognize(head: Uint8Array, file?: string): SigmaQuantError | undefined {
  const place = { ...(file !== undefined && { file }), byte: 0 };
  const latin1 = Array.from(head, (byte) => String.fromCharCode(byte)).join("");
  if (latin1.startsWith("version https://git-lfs")) {
    const remedy = "Fetch the model itself with `git lfs pull`";
    return modelError("notOnnx", "The file is a git-lfs pointer, not the model", place, { remedy });
  }
  const trimmed = latin1.replace(/^\u00ef\u00bb\u00bf/, "").trimStart();
  if (/^<(!doctype|html|\?xml|head|body|!--)/i.test(trimmed)) {
    const remedy = "Download the model itself; a web page came in its place, usually an error or a login page";
    return modelError("notOnnx", "The file is a web page (HTML or XML), not a model", place, { remedy });
  }
  for (const [offset, magic, what, remedy] of magics) {
    if (latin1.startsWith(magic, offset)) {
      return modelError(
        "notOnnx",
        `The file is ${what}, not an ONNX model`,
        place,
        remedy === undefined ? {} : { remedy },
      );
    }
  }
  if (/^.{8}\{"/s.test(latin1) && head[7] === 0) {
    const remedy = "Export the model as ONNX; this file has weights alone";
    return modelError("notOnnx", "The file is a safetensors file, not an ONNX model", place, { remedy });
  }
  return undefined;
}

/** For files that do not decode: whether they are text, which says more than where decoding failed. */
export function isText(head: Uint8Array): boolean {
  let printable = 0;
  for (const byte of head) {
    if (byte === 0) return false;
    if (byte >= 0x20 || byte === 9 || byte === 10 || byte === 13) printable++;
  }
  try {
    // A multi-byte character may be cut at the end of the head.
    new TextDecoder("utf-8", { fatal: true }).decode(head, { stream: true });
  } catch {
    return false;
  }
  return head.length >= 8 && printable === head.length;
}
