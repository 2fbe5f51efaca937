import type { Tensor } from "../../ports.ts";
import type { ArrayFile, ArraySource } from "../arrays.ts";
import { memoryArray } from "../arrays.ts";
import { dataError } from "../errors.ts";
import { fitImage } from "./fitImage.ts";
import type { RgbaImage } from "./image.ts";
import type { ImageRecipe } from "./imageRecipe.ts";
import { channelCount, toChannels, writePlanar } from "./pixels.ts";

/** An image of a set. */
export interface ImageSample {
  /** What messages call it. */
  readonly file: string;
  /** Class index; all samples of a set have one, or none has. */
  readonly label?: number;
  /** Reads and decodes the file; upright. @throws SigmaQuantError SQ4061-SQ4063, and errors of reading */
  load(signal?: AbortSignal): Promise<RgbaImage>;
}

/**
 * Rows that stay in memory, so that a set that is gone through again and again is decoded once: 256 MiB are 1,783 images of
 * 3 x 224 x 224 bytes, or all of a set of small ones. The others are decoded each time.
 */
const maxKeptBytes = 2 ** 28;

/**
 * Images as an array of bytes for the model's input, and an array `labels` where they have any. An image is read and decoded when
 * its row is asked for, one after the other; the signal is looked at before each.
 */
export function imageArrays(
  samples: readonly ImageSample[],
  recipe: ImageRecipe,
  folder: string,
  keptBytes = maxKeptBytes,
): ArrayFile {
  const labels = samples.map(({ label }) => label);
  const labelled = labels.every((label) => label !== undefined);
  const { name } = recipe.input;
  return {
    file: folder,
    names: [name, ...(labelled ? ["labels"] : [])],
    open: async (array) =>
      array === name
        ? new ImageRows(samples, recipe, keptBytes)
        : memoryArray({ type: "int32", dims: [labels.length], data: Int32Array.from(labels, Number) }),
  };
}

class ImageRows implements ArraySource {
  readonly type = "uint8";
  readonly dims: readonly number[];
  private readonly kept = new Map<number, Uint8Array>();
  private readonly rowBytes: number;

  constructor(
    private readonly samples: readonly ImageSample[],
    private readonly recipe: ImageRecipe,
    private readonly keptBytes: number,
  ) {
    const { fit, channels, layout } = recipe;
    const { height, width } = fit;
    const count = channelCount(channels);
    this.dims = [samples.length, ...(layout === "NCHW" ? [count, height, width] : [height, width, count])];
    this.rowBytes = count * height * width;
  }

  async rows(from: number, count: number, signal?: AbortSignal): Promise<Tensor> {
    const data = new Uint8Array(count * this.rowBytes);
    for (let row = 0; row < count; row++) {
      const to = data.subarray(row * this.rowBytes, (row + 1) * this.rowBytes);
      const kept = this.kept.get(from + row);
      if (kept) {
        to.set(kept);
        continue;
      }
      signal?.throwIfAborted();
      await this.read(this.samples[from + row] as ImageSample, to, signal);
      if ((this.kept.size + 1) * this.rowBytes <= this.keptBytes) this.kept.set(from + row, to.slice());
    }
    return { type: "uint8", dims: [count, ...this.dims.slice(1)], data };
  }

  private async read(sample: ImageSample, to: Uint8Array, signal?: AbortSignal): Promise<void> {
    const { channels, fit, layout } = this.recipe;
    const image = toChannels(await sample.load(signal), channels);
    const fitted = fitImage(image, fit);
    if (fitted === undefined) {
      const message = `The image has ${image.height} x ${image.width} pixels (height, width), not ${fit.height} x ${fit.width}`;
      const remedy = 'Scale it, or write another "resize" than "none" into preprocess.json.';
      throw dataError("image-size", message, remedy, { file: sample.file });
    }
    if (layout === "NCHW") writePlanar(fitted, to);
    else to.set(fitted.data);
  }
}
