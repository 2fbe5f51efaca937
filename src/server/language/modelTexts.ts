import { stat } from "node:fs/promises";
import { SigmaQuantError } from "../../core/errors.ts";
import { discoverLayers } from "../../core/model/discover.ts";
import { type ModelText, modelText } from "../../core/onnx/textModel.ts";
import { openModelFile } from "../../node/openModel.ts";

/** A model's text, and which of its nodes are of which layer. */
export interface ReadModelText extends ModelText {
  /** Layer of a node, by the node's path. */
  readonly layers: ReadonlyMap<string, string>;
}

/** Texts kept at the same time: those of large models take megabytes. Our choice. */
const maxKept = 4;

interface Kept {
  readonly stamp: string;
  readonly text: Promise<ReadModelText>;
}

/** Models as text, made when they are first asked for, and anew when a file has changed. Nothing is run, no weight is read. */
export class ModelTexts {
  private readonly kept = new Map<string, Kept>();

  /** @throws SigmaQuantError for a file that is not there or can't be read (SQ1001 to SQ1009), or is no model (SQ2001 to SQ2020) */
  async read(path: string): Promise<ReadModelText> {
    const stamp = await stampOf(path);
    const known = this.kept.get(path);
    this.kept.delete(path);
    const kept = known?.stamp === stamp ? known : { stamp, text: textOf(path) };
    this.kept.set(path, kept);
    for (const oldest of this.kept.keys()) {
      if (this.kept.size <= maxKept) break;
      this.kept.delete(oldest);
    }
    try {
      return await kept.text;
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

async function textOf(path: string): Promise<ReadModelText> {
  const file = await openModelFile(path);
  try {
    const text = modelText(file.model);
    return { ...text, layers: await layersOf(file.model) };
  } finally {
    await file.close();
  }
}

async function layersOf(model: Parameters<typeof discoverLayers>[0]): Promise<ReadonlyMap<string, string>> {
  try {
    const { layers } = await discoverLayers(model);
    return new Map(layers.flatMap(({ name, nodes }) => nodes.map((node): [string, string] => [node, name])));
  } catch (error) {
    // Small constants that can't be read (external data that are gone, say): the text is there all the same.
    if (error instanceof SigmaQuantError) return new Map();
    throw error;
  }
}
