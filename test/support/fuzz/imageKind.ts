import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fitImage } from "../../../src/core/data/images/fitImage.ts";
import { toChannels } from "../../../src/core/data/images/pixels.ts";
import { decodeImage } from "../../../src/node/images/openImages.ts";
import type { Kind } from "./kinds.ts";
import { oneOf } from "./mutateBytes.ts";
import { mutateJpeg, mutatePng } from "./mutateContainers.ts";

const folder = "test/fixtures/images";

/**
 * Images up to the program's limit of 64 Mi pixels are decoded, whatever small file they are in: 256 MiB of pixels, which the decoder
 * has once and the program once, beside the decoder's own and, of PNG, the inflated lines.
 */
export const imageKind: Kind = {
  name: "images",
  share: 12,
  memoryMiB: 1536,
  open: async () => {
    const files = readdirSync(folder).filter((name) => /\.(png|jpg)$/.test(name));
    const seeds = files.map((name) => ({ name, bytes: Uint8Array.from(readFileSync(path.join(folder, name))) }));
    return {
      make: (dice) => {
        const { name, bytes } = oneOf(dice, seeds);
        return name.endsWith(".png") ? mutatePng(bytes, dice) : mutateJpeg(bytes, dice);
      },
      use: async (bytes) => {
        const image = toChannels(await decodeImage(bytes, "image"), "RGB");
        fitImage(image, {
          height: 8,
          width: 8,
          resize: "shorter-side",
          crop: 1,
          interpolation: "bilinear",
          padding: 0,
        });
      },
    };
  },
};
