import { mkdir, realpath, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import type { Dataset } from "../core/data/dataset.ts";
import { SigmaQuantError } from "../core/errors.ts";
import { checkFile } from "../core/pipeline/checkFile.ts";
import type { Decided } from "../core/pipeline/decidePlan.ts";
import { type Evaluation, headlineAccuracy } from "../core/pipeline/evaluate.ts";
import { planOf } from "../core/pipeline/planOf.ts";
import type { PreparedModel } from "../core/pipeline/prepare.ts";
import { quantizedModel } from "../core/pipeline/quantizedModel.ts";
import { csvReport } from "../core/plan/csv.ts";
import { serializePlan } from "../core/plan/planFile.ts";
import { markdownReport } from "../core/plan/report.ts";
import type { Plan } from "../core/plan/types.ts";
import { overruns } from "../core/plan/verdict.ts";
import type { Inference, OnProgress } from "../core/ports.ts";
import type { StoredWeight } from "../core/qdq/types.ts";
import { explainFileError } from "./errors.ts";
import { writeTextAtomic } from "./files.ts";
import { ended, removeLeftovers, temporaryPath } from "./leftovers.ts";
import { type WrittenModel, writeModelFile } from "./writeModelFile.ts";

/** Why a user's own figures may be lower on this machine. */
export const saturationNote =
  "ONNX Runtime's integer kernels give other numbers on this CPU; the figures are exact ones (session.disable_quant_qdq=1)";

export interface OutputFiles {
  readonly model: string;
  readonly plan: string;
  readonly report: string;
  readonly csv: string;
}

/**
 * Where a run writes: `<model>.<profile>.onnx` with its reports, and `<model>.sigmaquant.json`, unless told otherwise.
 * @param slug the profile's part of the names
 * @throws SQ1026 when the output would replace the model itself
 */
export function outputFiles(model: string, wanted: string | undefined, slug: string): OutputFiles {
  const { dir, name } = path.parse(model);
  const output = wanted ?? path.join(dir, `${name}.${slug}.onnx`);
  if (path.resolve(output) === path.resolve(model)) {
    throw new SigmaQuantError("SQ1026", "output-is-input", "The output would replace the model itself", {
      remedy: "Choose another file for the output",
      place: { file: output },
    });
  }
  const base = output.replace(/\.onnx$/i, "");
  return { model: output, plan: defaultPlanPath(model), report: `${base}.report.md`, csv: `${base}.report.csv` };
}

/** `<model>.sigmaquant.json` beside the model. */
export function defaultPlanPath(model: string): string {
  const { dir, name } = path.parse(model);
  return path.join(dir, `${name}.sigmaquant.json`);
}

export interface QuantizeInput {
  readonly prepared: PreparedModel;
  readonly decided: Decided;
  /** Samples that the written file is compared with the float model on. */
  readonly samples: Dataset;
  readonly inference: Inference;
  readonly model: string;
  readonly files: OutputFiles;
  readonly batch: number;
  readonly threads?: number;
  readonly notes: readonly string[];
}

export interface QuantizeOutput {
  /** With the accuracy of the written file. */
  readonly plan: Plan;
  readonly evaluation?: Evaluation;
  readonly stored: readonly StoredWeight[];
  /** Absent when the budgets can't be met: plan and report then show the nearest point. */
  readonly written?: WrittenModel;
  readonly floatBytes: number;
  readonly notes: readonly string[];
}

/**
 * Writes a decided plan's model, runs the written file beside the float one, and writes plan and reports. The model takes its place
 * once it has been run: an error or an abort before that leaves everything as it was.
 */
export async function quantizeToFiles(
  input: QuantizeInput,
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<QuantizeOutput> {
  const { decided, model, files } = input;
  const floatBytes = (await stat(model)).size;
  let { plan } = decided;
  let made: CheckedModel | undefined;
  if (overruns(plan.budgets).length === 0) {
    made = await writeChecked(input, onProgress, signal);
    plan = planOf({ ...decided.planInput, accuracy: headlineAccuracy(made.evaluation, "measured") });
  }
  const notes = [...input.notes, ...(made?.notes ?? [])];
  const stored = made?.stored ?? [];
  const report = markdownReport({
    plan,
    baselines: decided.baselines,
    stored,
    ...(made && { evaluation: made.evaluation }),
    files: {
      float: path.basename(model),
      floatBytes,
      ...(made && { quantized: path.basename(files.model), quantizedBytes: made.written.bytes }),
    },
    notes,
  });
  // From here on the signal is not looked at: some milliseconds more, and all files are of one run.
  await writeTextAtomic(files.plan, serializePlan(plan));
  await writeTextAtomic(files.report, report);
  await writeTextAtomic(files.csv, csvReport(plan));
  return {
    plan,
    stored,
    ...(made && { evaluation: made.evaluation, written: made.written }),
    floatBytes,
    notes,
  };
}

interface CheckedModel {
  readonly written: WrittenModel;
  readonly stored: readonly StoredWeight[];
  readonly evaluation: Evaluation;
  readonly notes: readonly string[];
}

/** Writes the model in a folder of its own beside its place, runs it there, and moves it. */
async function writeChecked(
  input: QuantizeInput,
  onProgress: OnProgress,
  signal: AbortSignal | undefined,
): Promise<CheckedModel> {
  const { prepared, decided, model, files, batch, threads } = input;
  const { bits } = decided.proposal;
  const weights = await decided.weightsFor(bits, onProgress, signal);
  const limit = decided.plan.budgets.find(({ name }) => name === "weightMemory")?.limit;
  const graph = await quantizedModel(prepared, weights, bits, decided.activations, limit, onProgress, signal);
  // Behind links, so that a link stays a link.
  const target = await realpath(files.model).catch(() => files.model);
  const folder = await draftFolder(target);
  try {
    // Under its own name, as a model names the file of its data.
    const draft = await writeModelFile(graph.model, path.join(folder, path.basename(target)), signal);
    const { evaluation, saturates } = await checkFile(
      { float: model, quantized: draft.model },
      input.inference,
      input.samples,
      prepared.outputKind,
      { batch, ...(threads !== undefined && { threads }) },
      onProgress,
      signal,
    );
    signal?.throwIfAborted();
    const data = draft.data && path.join(path.dirname(target), path.basename(draft.data));
    if (draft.data && data) await moveTo(draft.data, data);
    await moveTo(draft.model, target);
    const written = { model: files.model, ...(data && { data }), bytes: draft.bytes };
    const notes = [...graph.notes, ...(saturates ? [saturationNote] : [])];
    return { written, stored: graph.stored, evaluation, notes };
  } finally {
    await rm(folder, { recursive: true, force: true });
    ended(folder);
  }
}

async function draftFolder(file: string): Promise<string> {
  const around = path.dirname(file);
  await removeLeftovers(around);
  const folder = temporaryPath(around, "draft");
  try {
    await mkdir(folder, { mode: 0o700 });
    return folder;
  } catch (error) {
    ended(folder);
    throw explainFileError(error, file, "write");
  }
}

async function moveTo(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    throw explainFileError(error, to, "write");
  }
}
