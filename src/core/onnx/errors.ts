import { type Place, SigmaQuantError } from "../errors.ts";

/** One kind of error that reading or writing a model can end in; docs/errors.md says the same (a test compares). */
export interface ModelErrorKind {
  readonly code: `SQ${number}`;
  readonly slug: string;
  /** When it happens, for the documentation. */
  readonly when: string;
  /** The remedy shown unless the place of the error knows a better one. */
  readonly remedy: string;
}

const exportAgain = "Export or download the model again and compare its size with the original";

export const modelErrors = {
  emptyFile: { code: "SQ2001", slug: "empty-file", when: "The model file has no bytes.", remedy: exportAgain },
  notOnnx: {
    code: "SQ2002",
    slug: "not-onnx",
    when: "The file is something else: a web page, an archive, a git-lfs pointer, another framework's model, text.",
    remedy: "Give an .onnx file",
  },
  truncatedModel: {
    code: "SQ2003",
    slug: "truncated-model",
    when: "A part of the file claims more bytes than the file, or the part around it, has left.",
    remedy: exportAgain,
  },
  truncatedTensor: {
    code: "SQ2004",
    slug: "truncated-tensor",
    when: "A tensor's data are shorter or longer than its dimensions and element type need, or reach past the file's end.",
    remedy: exportAgain,
  },
  malformedModel: {
    code: "SQ2005",
    slug: "malformed-model",
    when: "The bytes are not the protobuf encoding of an ONNX model: a bad tag, wire type or number.",
    remedy: exportAgain,
  },
  noGraph: {
    code: "SQ2006",
    slug: "no-graph",
    when: "The file decodes, but has no graph: it may be a tensor, a configuration or another protobuf file.",
    remedy: "Give a model exported as ONNX",
  },
  limitExceeded: {
    code: "SQ2007",
    slug: "limit-exceeded",
    when: "The model is larger in some count, length or depth than any real model is (src/core/onnx/limits.ts).",
    remedy: "If the model is real, report it with the number above so that the limit can be raised",
  },
  badTensor: {
    code: "SQ2008",
    slug: "bad-tensor",
    when: "A tensor has negative dimensions, or more elements than can be counted.",
    remedy: exportAgain,
  },
  cyclicGraph: {
    code: "SQ2009",
    slug: "cyclic-graph",
    when: "Nodes depend on each other in a circle, or functions call each other in one, so that no order of execution exists.",
    remedy: "Correct the tool that wrote the model; ONNX Runtime refuses it too",
  },
  unsafeLocation: {
    code: "SQ2010",
    slug: "unsafe-external-path",
    when: "A tensor's external data are said to be outside the model's folder (absolute path, `..`, drive letter, NUL).",
    remedy: "Do not open models from people you do not trust; otherwise save it again with its data beside it",
  },
  externalMissing: {
    code: "SQ2011",
    slug: "missing-external-data",
    when: "A file that holds a tensor's external data cannot be opened.",
    remedy: "Put the data file beside the model, under the name it was exported with",
  },
  externalTruncated: {
    code: "SQ2012",
    slug: "truncated-external-data",
    when: "An external-data file ends before a tensor's data do.",
    remedy: "Copy or download the data file again; it must belong to this very model",
  },
  badExternalEntry: {
    code: "SQ2013",
    slug: "bad-external-data-entry",
    when: "A tensor's external-data entries (location, offset, length) are missing or no numbers.",
    remedy: exportAgain,
  },
  unsupportedElements: {
    code: "SQ2014",
    slug: "unsupported-element-type",
    when: "Numbers were asked of a tensor whose element type has none here (strings, complex, 8-bit and 4-bit floats).",
    remedy: "Keep this tensor in its own type; it cannot be quantized",
  },
  tensorTooLarge: {
    code: "SQ2015",
    slug: "tensor-too-large",
    when: "A tensor is too large to be held in memory at once.",
    remedy: "Split the weight into several tensors",
  },
  modelTooLarge: {
    code: "SQ2016",
    slug: "model-too-large",
    when: "A model would be 2 GiB or more in one file, which protobuf does not allow.",
    remedy: "Write the weights to an external-data file",
  },
  noData: {
    code: "SQ2017",
    slug: "tensor-without-data",
    when: "A tensor has dimensions but no data.",
    remedy: exportAgain,
  },
  sourceChanged: {
    code: "SQ2018",
    slug: "file-cut-short",
    when: "A file gave fewer bytes than its size promised, usually because it was changed while being read.",
    remedy: "Wait until the file is complete and try again",
  },
  payloadMismatch: {
    code: "SQ2019",
    slug: "payload-mismatch",
    when: "Data given to a new tensor do not have the length that its dimensions and element type need.",
    remedy: "Report this with the model: the program built a wrong tensor",
  },
  duplicateName: {
    code: "SQ2020",
    slug: "duplicate-name",
    when: "Two nodes of one graph give their results the same name, or a node gives its result the name of an input.",
    remedy: "Correct the tool that wrote the model; ONNX Runtime refuses it too",
  },
} as const satisfies Record<string, ModelErrorKind>;

export type ModelErrorName = keyof typeof modelErrors;

/** An error of the table above. @param message one sentence without place, code and closing period */
export function modelError(
  name: ModelErrorName,
  message: string,
  place: Place = {},
  options: { readonly remedy?: string; readonly cause?: unknown } = {},
): SigmaQuantError {
  const { code, slug, remedy } = modelErrors[name];
  return new SigmaQuantError(code, slug, message, {
    remedy: options.remedy ?? remedy,
    place,
    ...(options.cause !== undefined && { cause: options.cause }),
  });
}

/** @param what plural, e.g. "nodes" */
export function limitError(what: string, limit: number, place: Place): SigmaQuantError {
  return modelError("limitExceeded", `The model has more than ${limit.toLocaleString("en-US")} ${what}`, place);
}
