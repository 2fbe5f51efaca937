import { stat } from "node:fs/promises";
import { TensorStore } from "../../core/onnx/tensors.ts";
import { type PreparedModel, prepareModel } from "../../core/pipeline/prepare.ts";
import { fileHash } from "../../node/files.ts";
import { openModelFile } from "../../node/openModel.ts";
import { Recent } from "./recent.ts";

/** What is read of a model that is not open: its layers and sizes. Nothing is run. */
export interface ReadModel {
  /** Without shapes; of large models with normalizations not folded, which would read their weights. */
  readonly prepared: PreparedModel;
  /** Undefined until the whole file has been read. */
  readonly modelHash?: string;
}

export type ModelFileResult =
  | { readonly kind: "read"; readonly model: ReadModel }
  | { readonly kind: "missing" }
  | { readonly kind: "unreadable"; readonly error: unknown };

/** Models kept at the same time; plans of more than these are seldom open side by side. Our choice. */
const maxKept = 8;
/** Folding reads the weights; up to this size it takes a blink of an eye. Our choice. */
const maxFoldedBytes = 128 * 2 ** 20;

interface Kept {
  readonly stamp: string;
  result: ModelFileResult;
}

/** Reads models that plans name, each once until its file changes. */
export class ModelFiles {
  private readonly kept = new Map<string, Kept>();
  private readonly reading = new Map<string, Promise<ModelFileResult>>();
  private readonly stamps = new Recent<string | undefined>();

  /** @param changed told when a hash has become known */
  constructor(private readonly changed: () => void) {}

  /** @param epoch another one whenever files are known to have changed */
  async read(path: string, epoch: unknown): Promise<ModelFileResult> {
    const stamp = await this.stamps.get(path, epoch, () => stampOf(path));
    if (stamp === undefined) {
      this.kept.delete(path);
      return { kind: "missing" };
    }
    const kept = this.kept.get(path);
    if (kept?.stamp === stamp) return kept.result;
    const key = `${path}\n${stamp}`;
    const running = this.reading.get(key) ?? this.readAnew(path, stamp).finally(() => this.reading.delete(key));
    this.reading.set(key, running);
    return running;
  }

  private async readAnew(path: string, stamp: string): Promise<ModelFileResult> {
    const result = await layersOf(path).then(
      (model): ModelFileResult => ({ kind: "read", model }),
      (error): ModelFileResult => ({ kind: "unreadable", error }),
    );
    const kept: Kept = { stamp, result };
    this.kept.delete(path);
    this.kept.set(path, kept);
    for (const oldest of this.kept.keys()) {
      if (this.kept.size <= maxKept) break;
      this.kept.delete(oldest);
    }
    if (result.kind === "read") void this.hash(path, kept, result.model);
    return result;
  }

  /** In the background: a file of gigabytes takes seconds. */
  private async hash(path: string, kept: Kept, model: ReadModel): Promise<void> {
    const modelHash = await fileHash(path).catch(() => undefined);
    if (modelHash === undefined) return;
    kept.result = { kind: "read", model: { ...model, modelHash } };
    this.changed();
  }
}

async function stampOf(path: string): Promise<string | undefined> {
  try {
    const { mtimeMs, size } = await stat(path);
    return `${mtimeMs} ${size}`;
  } catch {
    return undefined;
  }
}

async function layersOf(path: string): Promise<ReadModel> {
  const file = await openModelFile(path);
  try {
    const keepBatchNorm = file.bytes > maxFoldedBytes;
    const prepared = await prepareModel(file.model, { path, keepBatchNorm });
    // The graph and its sizes are all that is asked for from here on; folded weights need not stay in memory.
    return { prepared: { ...prepared, model: { ...prepared.model, tensors: new TensorStore() } } };
  } finally {
    await file.close();
  }
}
