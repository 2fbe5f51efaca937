import { stat } from "node:fs/promises";
import path from "node:path";
import type { Dataset } from "../core/data/dataset.ts";
import { SigmaQuantError } from "../core/errors.ts";
import type { CandidateWeights } from "../core/pipeline/candidates.ts";
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
import { writeTextAtomic } from "./files.ts";
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
  readonly weights: CandidateWeights;
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

/** Writes a decided plan's model, runs the written file beside the float one, and writes plan and reports. */
export async function quantizeToFiles(
  input: QuantizeInput,
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<QuantizeOutput> {
  const { prepared, decided, model, files } = input;
  const notes = [...input.notes];
  const floatBytes = (await stat(model)).size;
  let plan = decided.plan;
  let made: { stored: readonly StoredWeight[]; written: WrittenModel; evaluation: Evaluation } | undefined;
  if (overruns(plan.budgets).length === 0) {
    const { bits } = decided.proposal;
    const graph = await quantizedModel(prepared, input.weights, bits, decided.activations, onProgress, signal);
    notes.push(...graph.notes);
    const written = await writeModelFile(graph.model, files.model, signal);
    const { evaluation, saturates } = await checkFile(
      { float: model, quantized: files.model },
      input.inference,
      input.samples,
      prepared.outputKind,
      { batch: input.batch, ...(input.threads !== undefined && { threads: input.threads }) },
      onProgress,
      signal,
    );
    if (saturates) notes.push(saturationNote);
    plan = planOf({ ...decided.planInput, accuracy: headlineAccuracy(evaluation, "measured") });
    made = { stored: graph.stored, written, evaluation };
  }
  await writeTextAtomic(files.plan, serializePlan(plan), signal);
  const report = markdownReport({
    plan,
    baselines: decided.baselines,
    stored: made?.stored ?? [],
    ...(made && { evaluation: made.evaluation }),
    files: {
      float: path.basename(model),
      floatBytes,
      ...(made && { quantized: path.basename(files.model), quantizedBytes: made.written.bytes }),
    },
    notes,
  });
  await writeTextAtomic(files.report, report, signal);
  await writeTextAtomic(files.csv, csvReport(plan), signal);
  return {
    plan,
    stored: made?.stored ?? [],
    ...(made && { evaluation: made.evaluation, written: made.written }),
    floatBytes,
    notes,
  };
}
