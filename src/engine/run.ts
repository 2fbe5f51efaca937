import { atMost, type Compute } from "../core/compute/compute.ts";
import type { Dataset } from "../core/data/dataset.ts";
import { ownFixedInputs } from "../core/data/fixedInputs.ts";
import type { Bits } from "../core/hardware/profile.ts";
import { analyzeWeights, type JobsElsewhere, measureLayers, unmeasurable } from "../core/pipeline/analysis.ts";
import type { CandidateWeights } from "../core/pipeline/candidates.ts";
import { type Decided, decidePlan } from "../core/pipeline/decidePlan.ts";
import { planOf } from "../core/pipeline/planOf.ts";
import type { Inference, OnProgress } from "../core/ports.ts";
import { candidateWeights, type RecoveryInput } from "../core/recovery/planWeights.ts";
import type { Measurements } from "../core/sensitivity/layerJobs.ts";
import type { WeightStatistics } from "../core/sensitivity/types.ts";
import { fileError } from "../node/errors.ts";
import { openSamples } from "../node/openSamples.ts";
import { runtime } from "../node/ortInference.ts";
import { quantizeToFiles } from "../node/quantizeToFiles.ts";
import { definiteThreads } from "../node/threads.ts";
import { jobsInQueue, type QueueRun } from "../queue/submit.ts";
import type { DecideJob, DecideResult, JobEvent, JobKind, Jobs, ModelSource, SampleSource } from "./jobs.ts";
import type { LayerJobs } from "./layerJobs.ts";
import type { EngineModel, EngineModels } from "./models.ts";

/** What a job runs with. */
export interface JobContext {
  readonly models: EngineModels;
  readonly layerJobs: LayerJobs;
  readonly inference: Inference;
  /** All of the machine's threads. */
  readonly compute: Compute;
  readonly tell: (event: JobEvent) => void;
  readonly signal: AbortSignal;
}

type Runner<K extends JobKind> = (params: Jobs[K]["params"], context: JobContext) => Promise<Jobs[K]["result"]>;

/** One function for each kind of job. */
export const runners: { readonly [K in JobKind]: Runner<K> } = {
  async runtime() {
    await runtime();
    return null;
  },

  async shapes(source, { models }) {
    const { prepared } = await models.get(source);
    const { shapes, types, assumed, notes } = prepared;
    const [problem] = notes;
    return { shapes, types, assumed, ...(problem !== undefined && { problem }) };
  },

  async weights({ model, bits, threads }, { models, compute, tell, signal }) {
    const { prepared, weights } = await models.get(model);
    const onLayer = (layer: string, statistics: WeightStatistics) => tell({ type: "statistics", layer, statistics });
    const own = atMost(definiteThreads(threads), compute);
    await analyzeWeights(prepared, weights, bits, progressTo(tell), signal, onLayer, own);
    return null;
  },

  async samples({ model, set }, { models, signal }) {
    const dataset = await samplesOf(await models.get(model), model, set, signal);
    try {
      const { samples, hasLabels, synthetic, hash, notes } = dataset;
      return { samples, hasLabels, synthetic, hash, notes };
    } finally {
      await dataset.close();
    }
  },

  async measure(
    { model, set, bits, known, samples, recovery, batch, threads: asked, queue },
    { models, inference, compute: all, tell, signal },
  ) {
    const threads = definiteThreads(asked);
    const running = { batch, threads };
    const compute = atMost(threads, all);
    const opened = await models.get(model);
    const hindrance = unmeasurable(opened.prepared);
    if (hindrance !== undefined) return { samples: 0, unmeasurable: hindrance };
    const dataset = await samplesOf(opened, model, set, signal);
    try {
      const weights = await recovered(
        opened,
        { methods: recovery, calibration: dataset, inference, compute, ...running },
        tell,
        signal,
      );
      const { table } = await measureLayers(
        opened.prepared,
        weights,
        dataset,
        {
          ...running,
          inference,
          samples,
          bits: (layer) => bits.get(layer) ?? [],
          known: lookUp(known),
          onMeasured: (layer, b, value) => tell({ type: "measured", layer, bits: b, value }),
          ...(queue !== undefined && {
            elsewhere: inQueue(queue, opened, model, { methods: recovery, calibration: dataset, ...running }, tell),
          }),
        },
        progressTo(tell),
        signal,
      );
      return { samples: table.samples };
    } finally {
      await dataset.close();
    }
  },

  async layer(order, { layerJobs, tell, signal }) {
    const sweep = await layerJobs.sweep(order, progressTo(tell), signal);
    const { job } = order;
    return sweep.run(job, (bits, value) => tell({ type: "measured", layer: job.layer, bits, value }), signal);
  },

  decide: (job, context) => withDecision(job, context, async ({ decided }) => resultOf(decided, decided.plan)),

  quantize: (job, context) =>
    withDecision(job, context, async ({ decided, opened, calibration, evaluation }) => {
      const { prepared } = opened;
      const chosen = job.planned === undefined ? decided : withBits(decided, job.planned);
      const { threads, batch } = job.settings;
      const done = await quantizeToFiles(
        {
          prepared,
          decided: chosen,
          samples: evaluation ?? calibration,
          inference: context.inference,
          model: job.model.path,
          files: { model: job.output, ...job.files },
          batch,
          ...(threads !== undefined && { threads }),
          notes: decided.notes,
        },
        progressTo(context.tell),
        context.signal,
      );
      return {
        ...resultOf(chosen, done.plan),
        notes: done.notes,
        stored: done.stored,
        ...(done.evaluation && { evaluation: done.evaluation }),
        ...(done.written && { written: done.written }),
      };
    }),
};

interface Decision {
  readonly decided: Decided;
  readonly opened: EngineModel;
  readonly calibration: Dataset;
  readonly evaluation?: Dataset;
}

async function withDecision<T>(
  job: DecideJob,
  { models, inference, compute: all, tell, signal }: JobContext,
  body: (decision: Decision) => Promise<T>,
): Promise<T> {
  const opened = await models.get(job.model);
  const calibration = await samplesOf(opened, job.model, job.calibration, signal);
  const evaluation = job.evaluation && (await samplesOf(opened, job.model, job.evaluation, signal));
  try {
    const { path } = job.model;
    const settings = { ...job.settings, threads: definiteThreads(job.settings.threads) };
    const { recovery: methods, batch, threads } = settings;
    const running = { methods, batch, threads };
    const compute = atMost(threads, all);
    const weights = await recovered(opened, { ...running, calibration, inference, compute }, tell, signal);
    const decided = await decidePlan(
      {
        prepared: opened.prepared,
        modelName: path.split(/[\\/]/).at(-1) ?? path,
        modelHash: job.modelHash,
        profile: job.profile,
        profileRef: job.profileRef,
        limits: job.limits,
        settings,
        weights,
        calibration,
        ...(evaluation && { evaluation }),
        inference,
        compute,
        known: lookUp(job.known),
        ...(job.baselines && { baselines: job.baselines }),
        onMeasured: (layer, bits, value) => tell({ type: "measured", layer, bits, value }),
        ...(job.queue !== undefined && {
          elsewhere: inQueue(job.queue, opened, job.model, { calibration, ...running }, tell),
        }),
      },
      progressTo(tell),
      signal,
    );
    return await body({ decided, opened, calibration, ...(evaluation && { evaluation }) });
  } finally {
    await calibration.close();
    await evaluation?.close();
  }
}

/** The candidates of a model, kept for the next job on the same samples. */
async function recovered(
  opened: EngineModel,
  input: Omit<RecoveryInput, "prepared">,
  tell: JobContext["tell"],
  signal: AbortSignal,
): Promise<CandidateWeights> {
  const { methods, calibration, batch, threads } = input;
  const key = JSON.stringify([...methods, calibration.hash, batch, threads]);
  // Made for a job that may have been cancelled since.
  if (opened.recovered?.key === key) return opened.recovered.weights.under(signal);
  const { prepared } = opened;
  const weights = await candidateWeights({ prepared, ...input }, progressTo(tell), signal);
  opened.recovered = { key, weights };
  return weights;
}

/** Has a sweep's jobs done by whatever workers a queue has. */
function inQueue(
  url: string,
  { file }: EngineModel,
  { dims, inputs, equalize, requantize = false }: ModelSource,
  settings: Pick<QueueRun, "methods" | "calibration" | "batch" | "threads">,
  tell: JobContext["tell"],
): JobsElsewhere {
  return jobsInQueue({ url, model: { file, dims, inputs, equalize, requantize }, ...settings }, progressTo(tell));
}

/** The same decision with the bits of a plan that a person has edited. */
function withBits(decided: Decided, bits: NonNullable<Jobs["quantize"]["params"]["planned"]>): Decided {
  const proposal = { ...decided.proposal, bits };
  const planInput = { ...decided.planInput, proposal };
  return { ...decided, proposal, planInput, plan: planOf(planInput) };
}

function resultOf({ baselines, notes }: Decided, plan: DecideResult["plan"]): DecideResult {
  return { plan, baselines, notes };
}

/** @throws SigmaQuantError SQ1005 for others than those that are meant: what is measured on them would be kept as of these */
async function samplesOf(
  { inputs, prepared }: EngineModel,
  source: ModelSource,
  { path, hash }: SampleSource,
  signal: AbortSignal,
): Promise<Dataset> {
  const { fixed } = ownFixedInputs(source.inputs, inputs);
  const dataset = await openSamples(path, inputs, prepared.shapes, fixed, signal);
  if (hash === undefined || dataset.hash === hash) return dataset;
  await dataset.close();
  throw fileError(
    "changed",
    "The samples were changed since they were looked at",
    path === undefined ? {} : { file: path },
    {
      remedy: "Analyze the model again: they are then looked at anew",
    },
  );
}

function lookUp(known: Measurements) {
  return (layer: string, bits: Bits) => known.get(layer)?.get(bits);
}

function progressTo(tell: JobContext["tell"]): OnProgress {
  return (progress) => tell({ type: "progress", progress });
}
