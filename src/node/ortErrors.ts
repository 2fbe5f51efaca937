import process from "node:process";
import { type Place, SigmaQuantError } from "../core/errors.ts";

/** Errors of inference; docs/errors.md says the same (a test compares). */
export const inferenceErrors = {
  runtimeMissing: {
    code: "SQ6001",
    slug: "runtime-missing",
    when: "The package onnxruntime-node is not installed beside the program.",
    remedy: "Install it: npm install onnxruntime-node.",
  },
  platform: {
    code: "SQ6002",
    slug: "runtime-platform",
    when: "ONNX Runtime has no binary for this operating system and processor.",
    remedy: "Use Linux (x64 or arm64, glibc), Windows (x64 or arm64) or macOS on Apple silicon.",
  },
  runtimeBroken: {
    code: "SQ6003",
    slug: "runtime-not-loaded",
    when: "ONNX Runtime's binary is there, but the system can't load it.",
    remedy: "Install it again: npm install onnxruntime-node.",
  },
  refused: {
    code: "SQ6004",
    slug: "model-refused",
    when: "ONNX Runtime does not load the model: it is invalid, or uses something it does not have.",
    remedy: "Check the model with onnx.checker.check_model, or export it again.",
  },
  noMemory: {
    code: "SQ6005",
    slug: "out-of-memory",
    when: "The model, or a run of it, needs more memory than there is.",
    remedy: "Close other programs, or use smaller batches or dimensions.",
  },
  feed: {
    code: "SQ6006",
    slug: "input-mismatch",
    when: "A run was given inputs that the model does not take: one is missing, or has another type or shape.",
    remedy: "Give the model's inputs in the types and shapes it declares.",
  },
  runFailed: {
    code: "SQ6007",
    slug: "run-failed",
    when: "A node of the model failed while it ran.",
    remedy: "Check that the samples, and the sizes given for open dimensions, suit the model.",
  },
  closed: {
    code: "SQ6008",
    slug: "session-closed",
    when: "A run was asked of a session that had been closed: a mistake of this program.",
    remedy: "Report this as a bug.",
  },
} as const satisfies Record<string, { code: `SQ${number}`; slug: string; when: string; remedy: string }>;

/** An error of the table above. @param message one sentence without place and code */
export function inferenceError(
  name: keyof typeof inferenceErrors,
  message: string,
  options: { readonly remedy?: string; readonly place?: Place; readonly cause?: unknown } = {},
): SigmaQuantError {
  const { code, slug, remedy } = inferenceErrors[name];
  return new SigmaQuantError(code, slug, message, { remedy, ...options });
}

/** Why `require("onnxruntime-node")` failed. */
export function loadError(cause: unknown): SigmaQuantError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "MODULE_NOT_FOUND" || code === "ERR_MODULE_NOT_FOUND") {
    if (!/onnxruntime_binding/.test(message)) {
      return inferenceError("runtimeMissing", "ONNX Runtime (onnxruntime-node) is not installed", { cause });
    }
    const system = `${process.platform} on ${process.arch}`;
    return inferenceError("platform", `ONNX Runtime has no binary for ${system}`, { cause });
  }
  const remedies: readonly (readonly [RegExp, string])[] = [
    [
      /ld-linux|musl/,
      "Use a Linux with glibc, such as Debian or Ubuntu: ONNX Runtime has no binary for musl (Alpine).",
    ],
    [/GLIBC|GLIBCXX/, "Use a newer Linux: ONNX Runtime's binary needs a newer C library than this one has."],
    [/specified (module|procedure)/, "Install the Microsoft Visual C++ Redistributable, then try again."],
  ];
  const remedy = remedies.find(([pattern]) => pattern.test(message))?.[1];
  const shown = `ONNX Runtime can't be loaded: ${shorten(message)}`;
  return inferenceError("runtimeBroken", shown, { cause, ...(remedy !== undefined && { remedy }) });
}

const memory = /bad_alloc|Failed to allocate memory|out of memory/i;

/** What the runtime says when it refuses a model, and what helps. */
const refusals: readonly (readonly [RegExp, string])[] = [
  [
    /No Op registered|not a registered function\/op|custom op/i,
    "Export the model with standard ONNX operators only; custom operators can't run here.",
  ],
  [
    /Could not find an implementation/i,
    "Export the model with another opset, or in float32: ONNX Runtime's CPU provider lacks this operator in this form.",
  ],
  [
    /Unsupported model IR version|opset .* is under development|guarantees support for models stamped/i,
    "Export the model with an older opset: it is newer than this ONNX Runtime.",
  ],
  [/External data path escapes/i, "Put the data file, not a link to it, into the model's folder."],
  [
    /External data|External initializer|file_length/i,
    "Put the model's data file beside the model, under the name it was exported with.",
  ],
  [/Protobuf parsing failed/i, "Give an .onnx file; export or download it again if it is one."],
  [
    /Unsupported data type|MLDataType for/i,
    "Export the model with inputs and outputs of float32, float16 or integer types.",
  ],
];

/** Why a session could not be made. @param file the model's file, where it is known */
export function openError(cause: unknown, file?: string): SigmaQuantError {
  if (cause instanceof SigmaQuantError) return cause;
  const message = messageOf(cause);
  const place = file === undefined ? {} : { file };
  if (memory.test(message)) {
    return inferenceError("noMemory", "There is not enough memory to load the model", { place, cause });
  }
  const remedy = refusals.find(([pattern]) => pattern.test(message))?.[1];
  const shown = `ONNX Runtime refuses the model: ${shorten(message)}`;
  return inferenceError("refused", shown, { place, cause, ...(remedy !== undefined && { remedy }) });
}

/** Why a run failed. */
export function runError(cause: unknown, file?: string): SigmaQuantError {
  if (cause instanceof SigmaQuantError) return cause;
  const message = messageOf(cause);
  const place = file === undefined ? {} : { file };
  if (memory.test(message)) {
    return inferenceError("noMemory", "There is not enough memory to run the model", { place, cause });
  }
  if (
    /^(Invalid rank for input|Got invalid dimensions for input|Unexpected input data type|input '.*' is missing)/.test(
      message,
    )
  ) {
    return inferenceError("feed", `ONNX Runtime refuses the inputs: ${shorten(message)}`, { place, cause });
  }
  const [, op, node = ""] = /while running (\S+) node\. Name:'([^']*)'/.exec(message) ?? [];
  const where = op === undefined ? "The model failed while running" : `A ${op} node failed while running`;
  const item = node === "" ? {} : { item: node };
  return inferenceError("runFailed", `${where}: ${shorten(message)}`, { place: { ...place, ...item }, cause });
}

/** Longest part of the runtime's message that is shown; they reach some thousand characters of C++ signatures. */
const maxShown = 300;

/** The runtime's message without its source files, signatures and status codes. */
export function shorten(message: string): string {
  let text = message.replace(/\s+/g, " ").trim();
  // What went wrong is said last: statuses are nested, the innermost at the end.
  for (const lead of [
    /^.*Status Message: /,
    /^.*\[ONNXRuntimeError\] : \d+ : \w+ : /,
    /^Exception during initialization: /,
  ]) {
    text = text.replace(lead, "");
  }
  // `/src/reshape_helper.h:45 void onnxruntime::Class::Method(const T&, bool) const message`, `file.cc:12 Function message`.
  const signature = /(?:[\w:<>*&]+ ){0,3}?[\w~<>]+(?:::[\w~<>]+)+\([^)]*\)(?: const)? ?/.source;
  text = text.replace(new RegExp(`(^|\\s)\\S+\\.(?:cc|cpp|h|hpp):\\d+ (?:${signature}|\\w+ )`, "g"), "$1");
  text = text
    .replace(/^(Load model from .*? failed|Exception during loading): ?/, "")
    .replace(/^This is an invalid model\. /, "");
  text = text.replace(/ ?Please fix either the inputs\/outputs or the model\.?/, "").replace(/[.\s]+$/, "");
  if (text === "") text = "it gives no reason";
  return text.length > maxShown ? `${text.slice(0, maxShown)}\u2026` : text;
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
