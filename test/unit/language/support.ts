import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { onTestFinished } from "vitest";
import { TextDocuments } from "vscode-languageserver/node";
import { TextDocument } from "vscode-languageserver-textdocument";
import type { Bits } from "../../../src/core/hardware/profile.ts";
import { attribute, node } from "../../../src/core/onnx/build.ts";
import { modelBytes } from "../../../src/core/onnx/write.ts";
import { analyzeWeights } from "../../../src/core/pipeline/analysis.ts";
import { CandidateWeights, roundToNearest } from "../../../src/core/pipeline/candidates.ts";
import { planOf } from "../../../src/core/pipeline/planOf.ts";
import { prepareModel } from "../../../src/core/pipeline/prepare.ts";
import { serializePlan } from "../../../src/core/plan/planFile.ts";
import type { Plan } from "../../../src/core/plan/types.ts";
import { fileHash } from "../../../src/node/files.ts";
import { presetSource } from "../../../src/node/profiles.ts";
import type { Finding } from "../../../src/server/language/finding.ts";
import type { LanguageHost, LanguageSession } from "../../../src/server/language/host.ts";
import { knownFromSession } from "../../../src/server/language/knownModel.ts";
import { ModelFiles } from "../../../src/server/language/modelFiles.ts";
import { onDevice } from "../../../src/server/language/onDevice.ts";
import type { PlanContext } from "../../../src/server/language/planContext.ts";
import { PlanIndex } from "../../../src/server/language/planIndex.ts";
import { PlanKnowledge } from "../../../src/server/language/planKnowledge.ts";
import type { ProfileContext } from "../../../src/server/language/profileContext.ts";
import { activeProfile, ProfileKnowledge } from "../../../src/server/language/profileKnowledge.ts";
import { readProfileText } from "../../../src/server/language/profileText.ts";
import { applySpanEdits } from "../../../src/server/language/textEdits.ts";
import { newState, type SessionState } from "../../../src/server/sessionState.ts";
import { Texts } from "../../../src/server/texts.ts";
import { uriOf } from "../../../src/server/uris.ts";
import { findFiles } from "../../../src/server/workspaceFiles.ts";
import { inference } from "../../support/ortRun.ts";
import { tinyModel, weight } from "../../support/tinyModel.ts";

/** Two convolutions that feed an addition, and a fully connected layer: names as plans have them, 816 weights. */
function residualNet() {
  const pads = attribute.ints("pads", [1, 1, 1, 1]);
  return tinyModel({
    inputs: { x: [1, 4, 8, 8] },
    outputs: ["y"],
    constants: {
      "conv1.weight": weight([8, 4, 3, 3], 1, 0.3),
      "conv1.bias": weight([8], 2),
      "conv2.weight": weight([8, 4, 1, 1], 3, 0.5),
      "fc.weight": weight([62, 8], 4, 0.4),
    },
    nodes: [
      node("Conv", ["x", "conv1.weight", "conv1.bias"], ["a"], { name: "conv1", attributes: [pads] }),
      node("Conv", ["x", "conv2.weight"], ["b"], { name: "conv2" }),
      node("Add", ["a", "b"], ["s"]),
      node("Relu", ["s"], ["r"]),
      node("GlobalAveragePool", ["r"], ["g"]),
      node("Flatten", ["g"], ["f"]),
      node("Gemm", ["f", "fc.weight"], ["y"], { name: "fc", attributes: [attribute.int("transB", 1)] }),
    ],
  });
}

export const layerNames = ["conv1", "conv2", "fc"] as const;

/** A device with a figure for everything, roomy enough for the network. */
export const board = `{
  "name": "Board",
  "weightBits": [2, 4, 8],
  "activationBits": [8],
  "memory": { "weightMemoryKiB": 442, "activationMemoryKiB": 512 },
  "compute": {
    "clockMHz": 1, // slow
    "macsPerCycle": { "2x8": 8, "4x8": 4, "8x8": 2 },
    "layerOverheadUs": 28
  },
  "energy": { "energyPerMacPj": { "2x8": 1, "4x8": 2, "8x8": 4 } },
  "accuracy": { "maxDropPoints": 1 },
  "budgets": {
    // as much as the linker script leaves
    "weightMemoryKiB": 2,
    "latencyMs": 20,
    "energyUj": 250,
    "bopsM": 400
  }
}
`;

/** Writes the network and other files into a folder of its own; it goes when the test ends. */
export async function workspace(files: Readonly<Record<string, string>> = {}): Promise<string> {
  const folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), "sigmaquant-language-")));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(path.join(folder, "net.onnx"), await modelBytes(residualNet()));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
  return folder;
}

/** The network as a session has it once its weights are analyzed: shapes from ONNX Runtime, no samples. */
export async function openNet(folder: string, more: Partial<SessionState> = {}): Promise<LanguageSession> {
  const file = path.join(folder, "net.onnx");
  const prepared = await prepareModel(residualNet(), { path: file, inference });
  const weights = new CandidateWeights(prepared, roundToNearest);
  const statistics = await analyzeWeights(prepared, weights, [2, 3, 4, 6, 8], () => {});
  const state: SessionState = {
    ...newState("net.onnx", {}),
    layers: prepared.discovery.layers,
    prepared,
    modelHash: await fileHash(file),
    statistics,
    ...more,
  };
  return { uri: uriOf(file), path: file, state };
}

/** The parts of the language server that find things out, on a folder. */
export async function languageOn(folder: string, sessions: readonly LanguageSession[] = []) {
  let found = await findFiles([folder]);
  const log: string[] = [];
  const host: LanguageHost = {
    texts: new Texts(new TextDocuments(TextDocument)),
    sessions: () => sessions,
    files: () => found,
    log: (line) => log.push(line),
  };
  let changed = () => {};
  const files = new ModelFiles(() => changed());
  const hashed = new Promise<void>((resolve) => {
    changed = resolve;
  });
  const profiles = new ProfileKnowledge(host, files, new PlanIndex(host));
  const plans = new PlanKnowledge(host, files);
  const fileUri = (name: string) => uriOf(path.join(folder, name));
  return {
    log,
    /** Looks at the folder anew, as the server does when files changed. */
    scan: async () => {
      found = await findFiles([folder]);
    },
    /** Resolves when the hash of a model's file is known. */
    hashed,
    profile: (text: string, name = "board.hwprofile.json"): Promise<ProfileContext> =>
      profiles.context(fileUri(name), text),
    plan: (text: string, name = "net.sigmaquant.json"): Promise<PlanContext> => plans.context(fileUri(name), text),
  };
}

/** What is known for a profile while the network is open and has this device. */
export async function profileWithNet(text: string): Promise<ProfileContext> {
  const folder = await workspace();
  const language = await languageOn(folder, [await openNet(folder)]);
  return language.profile(text);
}

export interface PlanBench {
  readonly folder: string;
  readonly text: string;
  readonly session: LanguageSession;
  /** What is known for a text of the plan while the network is open. */
  context(text: string): Promise<PlanContext>;
}

/** A plan for the network on a device, made by the program itself, and the network open beside it. */
export async function planBench(
  profile = board,
  bits: Readonly<Record<string, Bits | null>> = {},
  change: (plan: Plan) => Plan = (plan) => plan,
): Promise<PlanBench> {
  const folder = await workspace({ "board.hwprofile.json": profile });
  const session = await openNet(folder);
  const text = serializePlan(change(planFor(folder, session, profile, bits)));
  const language = await languageOn(folder, [session]);
  return { folder, text, session, context: (typed) => language.plan(typed) };
}

/** The plan that the program makes for some bits; where none are given, for those that it allocates. */
export function planFor(
  folder: string,
  session: LanguageSession,
  profile: string,
  bits: Readonly<Record<string, Bits | null>>,
): Plan {
  const file = path.join(folder, "board.hwprofile.json");
  const { parsed } = readProfileText(profile, file, presetSource);
  if (!parsed.profile) throw new Error(`no profile: ${parsed.problems[0]?.message}`);
  const known = knownFromSession(session);
  if (!known) throw new Error("the model is not prepared");
  const model = onDevice(known, activeProfile(uriOf(file), file, parsed.profile, session.path));
  const { optimum, bits: allocated } = model.live();
  return planOf({
    fit: model.fit,
    proposal: {
      bits: new Map([...allocated, ...Object.entries(bits)]),
      trace: [],
      notes: [],
      ...(optimum && {
        certificate: { loss: optimum.loss, optimum: optimum.loss, bound: optimum.bound, gap: optimum.gap },
      }),
    },
    model: "net.onnx",
    modelHash: session.state.modelHash ?? "",
    profile: "board.hwprofile.json",
    strategy: "exact",
    activationRange: "percentile",
    statistics: session.state.statistics,
    sensitivity: model.losses?.byLayer ?? {},
    metric: model.losses?.metric ?? "weights",
    synthetic: false,
    maxDrop: 0.01,
  });
}

export function codesOf(findings: readonly Finding[]): readonly string[] {
  return findings.map(({ code }) => code);
}

/** The finding of a code, which has to be there. */
export function findingOf(findings: readonly Finding[], code: string): Finding {
  const found = findings.find((each) => each.code === code);
  if (!found) throw new Error(`no ${code} among ${findings.map((each) => `${each.code} ${each.message}`).join("; ")}`);
  return found;
}

/** What a finding is about, as the text has it. */
export function quoted(text: string, { offset, length }: Finding): string {
  return text.slice(offset, offset + length);
}

/** The text after the fix whose title starts so. */
export function fixed(text: string, finding: Finding, title: string): string {
  const fixes = finding.fixes?.() ?? [];
  const found = fixes.find((fix) => fix.title.startsWith(title));
  if (!found) throw new Error(`no ${title} among ${fixes.map((fix) => fix.title).join("; ")}`);
  return applySpanEdits(text, found.edits);
}

/** The text after the action whose title starts so. */
export function acted(
  text: string,
  actions: readonly { readonly title: string; readonly edits: Parameters<typeof applySpanEdits>[1] }[],
  title: string,
): string {
  const found = actions.find((action) => action.title.startsWith(title));
  if (!found) throw new Error(`no ${title} among ${actions.map((action) => action.title).join("; ")}`);
  return applySpanEdits(text, found.edits);
}
