import type {
  ComparedDevice,
  ComparedModel,
  DeviceRow,
  DevicesNotice,
  DevicesSnapshot,
  Problem,
} from "../../protocol/devices.ts";
import type { Work } from "../../protocol/editor.ts";
import type { ModelOnDevices } from "./modelOnDevices.ts";

/** What is at work: a model, or its plan for a device. */
export interface RowWork {
  readonly model: string;
  readonly device?: string;
}

export interface SnapshotInput {
  readonly models: readonly ModelOnDevices[];
  readonly devices: readonly ComparedDevice[];
  readonly rows: readonly DeviceRow[];
  readonly trusted: boolean;
  readonly work?: RowWork;
  readonly failure?: Problem;
}

/** Everything the page of a comparison shows. */
export function devicesSnapshot(sequence: number, input: SnapshotInput): DevicesSnapshot {
  const { models, devices, rows } = input;
  const work = workOf(input);
  return {
    sequence,
    models: models.map((model) => comparedModel(model, rows)),
    devices,
    rows,
    notices: noticesOf(input),
    ...(work && { work }),
    runnable: rows.filter(({ model, state }) => {
      const open = state === "expected" || state === "waiting";
      return open && models.some((each) => each.uri === model && each.isRunnable);
    }).length,
  };
}

function comparedModel({ uri, state, problem }: ModelOnDevices, rows: readonly DeviceRow[]): ComparedModel {
  const own = rows.filter(({ model }) => model === uri);
  const scored = own.flatMap(({ figures }) => figures?.accuracy ?? []).find(({ metric }) => metric === "top1");
  return {
    uri,
    name: state.fileName,
    layers: state.layers.length,
    ...(scored && { float: { top1: scored.float, samples: scored.samples } }),
    ...(problem && { problem }),
  };
}

function noticesOf({ models, trusted, failure, work }: SnapshotInput): readonly DevicesNotice[] {
  const notices: DevicesNotice[] = [];
  if (!trusted) notices.push({ kind: "untrusted" });
  const runtime = models.find(({ state }) => state.noRuntime)?.state.noRuntime;
  if (runtime) {
    notices.push({ kind: "noRuntime", message: `${runtime.message}: models are not run. ${runtime.remedy}.` });
  }
  for (const { samplesProblem } of models) if (samplesProblem) notices.push({ kind: "problem", ...samplesProblem });
  const bare = models.filter((model) => model.isRunnable && !model.hasSamples && !model.samplesProblem);
  if (bare.length > 0) notices.push({ kind: "noSamples", models: bare.map(({ state }) => state.fileName) });
  if (failure && !work) notices.push({ kind: "problem", ...failure });
  return notices;
}

/** Before the engine has told of anything, the file is being read. */
const reading: Work = { kind: "open", stage: "Reading", done: 0, total: 0 };

function workOf({ work, models, rows }: SnapshotInput): DevicesSnapshot["work"] {
  if (!work) return undefined;
  const model = models.find(({ uri }) => uri === work.model);
  if (!model) return undefined;
  const settled = rows.filter(({ state }) => state === "run" || state === "failed").length;
  const seconds = models.flatMap(({ runs }) => [...runs.values()].map((run) => run.seconds)).filter((s) => s > 0);
  const mean = seconds.reduce((sum, each) => sum + each, 0) / seconds.length;
  const told = work.device !== undefined && seconds.length > 0;
  return {
    ...work,
    step: model.state.work ?? reading,
    settled,
    ...(told && { secondsLeft: mean * (rows.length - settled) }),
  };
}
