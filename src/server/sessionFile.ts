import { discoverLayers } from "../core/model/discover.ts";
import type { OnnxModel } from "../core/onnx/model.ts";
import { factsOf } from "../core/pipeline/facts.ts";
import { fileHash, fileStamp } from "../node/files.ts";
import { type ModelFile, openModelFile } from "../node/openModel.ts";
import { fatalOf } from "./sessionErrors.ts";
import type { SessionState } from "./sessionState.ts";

/** The file of a session's model: read, and looked at again when it may have changed. */
export class SessionFile {
  private file: ModelFile | undefined;
  /** Of the file as it was opened. */
  private stamp = "";
  private closed = false;

  constructor(
    private readonly path: string,
    private readonly state: SessionState,
  ) {}

  /** As it was last read; undefined before that, or where it could not be. */
  get model(): OnnxModel | undefined {
    return this.file?.model;
  }

  /** The graph alone: layers and sizes as the file has them, no weight read. What is wrong with it is in the state's `fatal`. */
  async load(): Promise<void> {
    const { state, path } = this;
    delete state.fatal;
    try {
      await this.file?.close();
      this.stamp = await fileStamp(path);
      this.file = await openModelFile(path);
      if (this.closed) await this.file.close();
      const { model } = this.file;
      const discovery = await discoverLayers(model);
      state.layers = discovery.layers;
      state.facts = factsOf({ model, discovery });
    } catch (error) {
      state.fatal = fatalOf(error, state.fileName);
    }
  }

  /** Whether the file was written since it was read; what is in it may be the same. Reads nothing. */
  async isWritten(): Promise<boolean> {
    return (await fileStamp(this.path)) !== this.stamp;
  }

  /** Whether the file on disk is another than the one that was read. */
  async isOther(): Promise<boolean> {
    const { path, state } = this;
    const stamp = await fileStamp(path);
    const hash = await fileHash(path).catch(() => undefined);
    if (hash !== undefined && hash === state.modelHash) {
      this.stamp = stamp;
      state.modelStamp = stamp;
      return false;
    }
    // A file that was just written is told of when it is open already.
    return state.modelHash !== undefined || stamp !== this.stamp;
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.file?.close();
  }
}
