import { stat } from "node:fs/promises";
import { SigmaQuantError } from "../../core/errors.ts";
import { discoverLayers } from "../../core/model/discover.ts";
import type { OnnxModel } from "../../core/onnx/model.ts";
import { type ModelText, modelText } from "../../core/onnx/textModel.ts";
import { openModelFile } from "../../node/openModel.ts";

/** A model's text, and which of its nodes are of which layer. */
export interface ReadModelText extends ModelText {
  /** Layer of a node, by the node's path. */
  readonly layers: ReadonlyMap<string, string>;
}

/** A text is there before the layers are known: it is what one waits for. */
interface Made {
  readonly text: ModelText;
  readonly whole: Promise<ReadModelText>;
}

/** Texts kept at the same time: those of large models take megabytes. Our choice. */
const maxKept = 4;

interface Kept {
  readonly stamp: string;
  readonly made: Promise<Made>;
}

/** Models as text, made when they are first asked for, and anew when a file has changed. Nothing is run, no weight is read. */
export class ModelTexts {
  private readonly kept = new Map<string, Kept>();

  /** @throws SigmaQuantError for a file that is not there or can't be read (SQ1001 to SQ1009), or is no model (SQ2001 to SQ2020) */
  async text(path: string): Promise<string> {
    return (await this.made(path)).text.text;
  }

  /** The text and where everything in it is. @throws as `text` */
  async read(path: string): Promise<ReadModelText> {
    return (await this.made(path)).whole;
  }

  private async made(path: string): Promise<Made> {
    const stamp = await stampOf(path);
    const known = this.kept.get(path);
    this.kept.delete(path);
    const kept = known?.stamp === stamp ? known : { stamp, made: make(path) };
    this.kept.set(path, kept);
    for (const oldest of this.kept.keys()) {
      if (this.kept.size <= maxKept) break;
      this.kept.delete(oldest);
    }
    try {
      return await kept.made;
    } catch (error) {
      if (this.kept.get(path) === kept) this.kept.delete(path);
      throw error;
    }
  }
}

async function stampOf(path: string): Promise<string> {
  try {
    const { mtimeMs, size } = await stat(path);
    return `${mtimeMs} ${size}`;
  } catch {
    // Opening it says what is wrong.
    return "";
  }
}

async function make(path: string): Promise<Made> {
  const file = await openModelFile(path);
  let whole: Promise<ReadModelText> | undefined;
  try {
    const text = modelText(file.model);
    whole = layersOf(file.model).then((layers) => ({ ...text, layers }));
    return { text, whole };
  } finally {
    void (whole ?? Promise.resolve()).finally(() => file.close());
  }
}

async function layersOf(model: OnnxModel): Promise<ReadonlyMap<string, string>> {
  // The text is sent first.
  await new Promise((resolve) => setImmediate(resolve));
  try {
    const { layers } = await discoverLayers(model);
    return new Map(layers.flatMap(({ name, nodes }) => nodes.map((node): [string, string] => [node, name])));
  } catch (error) {
    // Small constants that can't be read (external data that are gone, say): the text is there all the same.
    if (error instanceof SigmaQuantError) return new Map();
    throw error;
  }
}
