import type { Dataset } from "../data/dataset.ts";
import type { Inference, InferenceSession, OnProgress, Tensor } from "../ports.ts";
import type { OutputKind } from "../sensitivity/outputs.ts";
import { OutputComparison } from "../sensitivity/outputs.ts";
import { checkNames, type Evaluation, evaluateSessions } from "./evaluate.ts";

export interface CheckOptions {
  readonly batch: number;
  readonly samples?: number;
  readonly threads?: number;
}

/** Energy of the difference over energy of the output above which this CPU's integer kernels count as inexact. Our choice. */
const inexactNmse = 1e-3;

/**
 * Loads a written model and compares it with the float model, both from their files. The session that users would open
 * (default options) must load and run; accuracy is measured with exact integer kernels, because on x86 CPUs without VNNI
 * the default ones saturate (onnx.md, "8-bit saturation"), which is the CPU's and not the target device's doing.
 * @throws SQ1028 when the two are no versions of one model
 * @returns the comparison, and whether this CPU's default kernels give other numbers
 */
export async function checkFile(
  files: { readonly float: string; readonly quantized: string },
  inference: Inference,
  dataset: Dataset,
  outputKind: OutputKind,
  options: CheckOptions,
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<{ readonly evaluation: Evaluation; readonly saturates: boolean }> {
  const sessionOptions = { optimization: "all" as const, ...(options.threads && { threads: options.threads }) };
  const open: InferenceSession[] = [];
  const session = async (path: string, exactInt8: boolean): Promise<InferenceSession> => {
    const opened = await inference.open({ path }, { ...sessionOptions, exactInt8 });
    open.push(opened);
    return opened;
  };
  try {
    const usual = await session(files.quantized, false);
    const exact = await session(files.quantized, true);
    const float = await session(files.float, false);
    checkNames(float, exact);
    const first = await dataset.batch(0, Math.min(options.batch, dataset.samples), signal);
    const difference = new OutputComparison();
    difference.add(
      "values",
      outputsOf(usual, await usual.run(first.feeds)),
      outputsOf(exact, await exact.run(first.feeds)),
    );
    const evaluation = await evaluateSessions(
      float,
      exact,
      dataset,
      outputKind,
      { batch: options.batch, ...(options.samples !== undefined && { samples: options.samples }) },
      onProgress,
      signal,
    );
    return { evaluation, saturates: difference.nmse > inexactNmse };
  } finally {
    for (const opened of open) await opened.close();
  }
}

function outputsOf(session: InferenceSession, values: Readonly<Record<string, Tensor>>): Tensor[] {
  return session.outputs.flatMap(({ name }) => (values[name] ? [values[name]] : []));
}
