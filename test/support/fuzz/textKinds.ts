import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { TextDocuments } from "vscode-languageserver/node";
import { TextDocument } from "vscode-languageserver-textdocument";
import { imageRecipe } from "../../../src/core/data/images/imageRecipe.ts";
import { forArrays, parseGivenPreprocess } from "../../../src/core/data/preprocess.ts";
import { budgetsOf } from "../../../src/core/hardware/budgets.ts";
import { requireProfile } from "../../../src/core/hardware/parseProfile.ts";
import type { HardwareProfile } from "../../../src/core/hardware/profile.ts";
import { attribute, node } from "../../../src/core/onnx/build.ts";
import { modelBytes } from "../../../src/core/onnx/write.ts";
import { analyzeWeights } from "../../../src/core/pipeline/analysis.ts";
import { CandidateWeights, roundToNearest } from "../../../src/core/pipeline/candidates.ts";
import { DeviceFit } from "../../../src/core/pipeline/deviceFit.ts";
import { lossOf, weightLosses } from "../../../src/core/pipeline/loss.ts";
import { planOf } from "../../../src/core/pipeline/planOf.ts";
import { prepareModel } from "../../../src/core/pipeline/prepare.ts";
import { solveBits } from "../../../src/core/pipeline/solveBits.ts";
import { comparePlans } from "../../../src/core/plan/comparePlans.ts";
import { csvReport } from "../../../src/core/plan/csv.ts";
import { modelExplorerData } from "../../../src/core/plan/modelExplorer.ts";
import { decisionsOf, parsePlan, serializePlan } from "../../../src/core/plan/planFile.ts";
import { markdownReport } from "../../../src/core/plan/report.ts";
import { presetSource } from "../../../src/node/profiles.ts";
import { DocumentFeatures } from "../../../src/server/language/documentFeatures.ts";
import type { LanguageHost, LanguageSession } from "../../../src/server/language/host.ts";
import { ModelFiles } from "../../../src/server/language/modelFiles.ts";
import { PlanIndex } from "../../../src/server/language/planIndex.ts";
import { PlanKnowledge } from "../../../src/server/language/planKnowledge.ts";
import { ProfileKnowledge } from "../../../src/server/language/profileKnowledge.ts";
import { newState } from "../../../src/server/sessionState.ts";
import { Texts } from "../../../src/server/texts.ts";
import { uriOf } from "../../../src/server/uris.ts";
import { findFiles } from "../../../src/server/workspaceFiles.ts";
import { tinyModel, weight } from "../tinyModel.ts";
import type { Kind } from "./kinds.ts";
import { oneOf } from "./mutateBytes.ts";
import { mutateJson } from "./mutateJson.ts";

const memoryMiB = 640;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const preprocessKind: Kind = {
  name: "preprocess.json",
  share: 4,
  memoryMiB,
  open: async () => {
    const seeds = [
      readFileSync("examples/preprocess.json", "utf8"),
      '{ "mean": [0.4, 0.5, 0.6], "std": [0.2, 0.2, 0.3], "scale": 0.004, "layout": "NHWC", "channels": "BGR" }',
      '{ "size": [32, 48], "resize": "shorter-side", "crop": 0.875, "interpolation": "bicubic", "classes": { "a": 0 } }',
    ].map((text) => encoder.encode(text));
    const inputs = [{ name: "x", type: "float32", dims: [1, 3, null, null] }] as const;
    return {
      make: (dice) => mutateJson(oneOf(dice, seeds), dice),
      use: async (bytes) => {
        const given = parseGivenPreprocess(decoder.decode(bytes), "preprocess.json");
        forArrays(given);
        imageRecipe(inputs, new Map([["x", [1, 3, 32, 32]]]), given);
      },
    };
  },
};

/** Two convolutions that feed an addition, and a fully connected layer. */
function net() {
  return tinyModel({
    inputs: { x: [1, 4, 8, 8] },
    outputs: ["y"],
    constants: {
      "conv1.weight": weight([8, 4, 3, 3], 1, 0.3),
      "conv2.weight": weight([8, 4, 1, 1], 3, 0.5),
      "fc.weight": weight([62, 8], 4, 0.4),
    },
    nodes: [
      node("Conv", ["x", "conv1.weight"], ["a"], { name: "conv1", attributes: [attribute.ints("pads", [1, 1, 1, 1])] }),
      node("Conv", ["x", "conv2.weight"], ["b"], { name: "conv2" }),
      node("Add", ["a", "b"], ["s"]),
      node("GlobalAveragePool", ["s"], ["g"]),
      node("Flatten", ["g"], ["f"]),
      node("Gemm", ["f", "fc.weight"], ["y"], { name: "fc", attributes: [attribute.int("transB", 1)] }),
    ],
  });
}

const shapes = new Map(
  Object.entries({
    x: [1, 4, 8, 8],
    a: [1, 8, 8, 8],
    b: [1, 8, 8, 8],
    s: [1, 8, 8, 8],
    g: [1, 8, 1, 1],
    f: [1, 8],
    y: [1, 62],
  }),
);

const board = `{
  "name": "Board", // with a comment
  "weightBits": [2, 4, 8],
  "activationBits": [8],
  "memory": { "weightMemoryKiB": 442, "activationMemoryKiB": 512 },
  "compute": {
    "clockMHz": 1, "macsPerCycle": { "2x8": 8, "4x8": 4, "8x8": 2 }, "layerOverheadUs": 28,
    "measuredLatencyMs": { "conv1": { "4": 0.5 } },
  },
  "energy": { "energyPerMacPj": { "2x8": 1, "4x8": 2, "8x8": 4 } },
  "operators": { "Gemm": { "weightBits": [4, 8] } },
  "sharedBits": { "residual": true, "groups": [["conv1", "fc"]] },
  "accuracy": { "maxDropPoints": 1 },
  "budgets": { "weightMemoryKiB": 2, "latencyMs": 20, "energyUj": 250, "bopsM": 400 }
}
`;

/** A folder with the network, a profile and a plan, and the language server's parts on it. */
async function workspace() {
  const folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), "sigmaquant-fuzz-")));
  const file = path.join(folder, "net.onnx");
  writeFileSync(file, await modelBytes(net()));
  writeFileSync(path.join(folder, "board.hwprofile.json"), board);
  const prepared = await prepareModel(net(), { path: file, inferred: { shapes, types: new Map(), assumed: [] } });
  const statistics = await analyzeWeights(
    prepared,
    new CandidateWeights(prepared, roundToNearest),
    [2, 4, 8],
    () => {},
  );
  const layers = prepared.discovery.layers;
  const session: LanguageSession = {
    uri: uriOf(file),
    path: file,
    state: { ...newState("net.onnx", {}), layers, prepared, modelHash: "0", statistics },
  };
  const files = await findFiles([folder]);
  const log: string[] = [];
  const host: LanguageHost = {
    texts: new Texts(new TextDocuments(TextDocument)),
    sessions: () => [session],
    files: () => files,
    log: (line) => log.push(line),
  };
  const models = new ModelFiles(() => {});
  const profiles = new ProfileKnowledge(host, models, new PlanIndex(host));
  const plans = new PlanKnowledge(host, models);
  const planFor = (profile: HardwareProfile) => {
    const limits = budgetsOf(profile);
    const fit = new DeviceFit({ prepared, profile, limits, weightsOnly: false });
    const loss = weightLosses(statistics);
    const { bits } = solveBits(fit, lossOf(loss), { maxMillis: 200 });
    return planOf({
      fit,
      proposal: { bits, trace: [], notes: [] },
      model: "net.onnx",
      modelHash: "0",
      profile: "board.hwprofile.json",
      strategy: "exact",
      activationRange: "percentile",
      statistics,
      sensitivity: loss,
      metric: "weights",
      synthetic: false,
      maxDrop: 0.01,
    });
  };
  const features = (kind: "profile" | "plan") =>
    new DocumentFeatures(async (uri, text) =>
      kind === "profile"
        ? { kind, context: await profiles.context(uri, text) }
        : { kind, context: await plans.context(uri, text) },
    );
  const document = (name: string, text: string) =>
    TextDocument.create(uriOf(path.join(folder, name)), "jsonc", 1, text);
  return {
    folder,
    prepared,
    log,
    planFor,
    features,
    document,
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** All that an editor asks of a text; what could not be worked out for want of care is in the log. */
async function useDocument(features: DocumentFeatures, document: TextDocument, log: string[]): Promise<void> {
  log.length = 0;
  const all = { start: { line: 0, character: 0 }, end: document.positionAt(document.getText().length) };
  for (const finding of await features.findings(document)) finding.fixes?.();
  await features.hints(document, all);
  await features.lenses(document);
  await features.symbols(document);
  for (const offset of [0, 30, 200, 500]) {
    const position = document.positionAt(offset);
    await features.hover(document, position);
    await features.definition(document, position, true);
    const range = { start: position, end: position };
    await features.actions(document, { textDocument: { uri: document.uri }, range, context: { diagnostics: [] } });
  }
  const internal = log.find((line) => /\[SQ9\d{3}\]|TypeError|RangeError|Cannot read|is not a|undefined/.test(line));
  if (internal !== undefined) throw new Error(`the language server logged: ${internal}`);
}

export const profileKind: Kind = {
  name: "profiles",
  share: 12,
  memoryMiB,
  open: async () => {
    const { planFor, features, document, log, close } = await workspace();
    const presets = readdirSync("media/profiles").map((name) =>
      readFileSync(path.join("media/profiles", name), "utf8"),
    );
    const example = readFileSync("examples/microcontroller.hwprofile.json", "utf8");
    const seeds = [board, board, example, ...presets].map((text) => encoder.encode(text));
    const language = features("profile");
    return {
      make: (dice) => mutateJson(oneOf(dice, seeds), dice),
      use: async (bytes) => {
        const text = decoder.decode(bytes);
        await useDocument(language, document("board.hwprofile.json", text), log);
        const plan = planFor(requireProfile(text, { file: "board.hwprofile.json", ...presetSource }));
        parsePlan(serializePlan(plan), "plan");
        markdownReport({ plan, baselines: [], stored: [], files: { float: "net.onnx", floatBytes: 1 }, notes: [] });
      },
      close,
    };
  },
};

export const planKind: Kind = {
  name: "plans",
  share: 10,
  memoryMiB,
  open: async () => {
    const { prepared, planFor, features, document, log, close } = await workspace();
    const profile = requireProfile(board, { file: "board.hwprofile.json", ...presetSource });
    const made = planFor(profile);
    const full = serializePlan({
      ...made,
      accuracy: { metric: "top1", float: 0.9, quantized: 0.8, samples: 10, how: "measured", synthetic: false } as never,
    });
    const byHand =
      '{ "version": 1, "model": "net.onnx", "profile": "preset:generic", "layers": [{ "name": "conv1", "weightBits": 4, "pinned": true }] }';
    const seeds = [serializePlan(made), full, byHand].map((text) => encoder.encode(text));
    const language = features("plan");
    return {
      make: (dice) => mutateJson(oneOf(dice, seeds), dice),
      use: async (bytes) => {
        const text = decoder.decode(bytes);
        await useDocument(language, document("net.sigmaquant.json", text), log);
        const plan = parsePlan(text, "net.sigmaquant.json");
        parsePlan(serializePlan(plan), "again");
        csvReport(plan);
        modelExplorerData(plan);
        markdownReport({ plan, baselines: [], stored: [], files: { float: "net.onnx", floatBytes: 1 }, notes: [] });
        comparePlans([plan, made]);
        const { bits, pinned } = decisionsOf(plan);
        const pins = new Map([...bits].filter(([name]) => pinned.has(name)));
        new DeviceFit({ prepared, profile, limits: budgetsOf(profile), weightsOnly: false, pins }).budgets(
          new Map(prepared.discovery.layers.map(({ name }) => [name, bits.get(name) ?? null])),
        );
      },
      close,
    };
  },
};
