import type { SigmaQuantError } from "../../errors.ts";
import { dataError } from "../errors.ts";
import { maxImagePixels } from "./image.ts";

const again = "Save it again as PNG or JPEG, or take it out of the folder.";

/** SQ4061: bytes that are no whole image. @param message without the file's name */
export function damagedImage(file: string, message: string, cause?: unknown): SigmaQuantError {
  return dataError("image-damaged", message, again, { file }, cause);
}

/** SQ4062: a kind of image that decoders do not read. */
export function unsupportedImage(file: string, message: string, remedy = again): SigmaQuantError {
  return dataError("image-unsupported", message, remedy, { file });
}

/** Looks at what a head claims, before memory is taken for it. @throws SigmaQuantError SQ4061, SQ4063 */
export function checkImageSize(width: number, height: number, file: string): void {
  if (width === 0 || height === 0) throw damagedImage(file, `The image is said to be ${width} x ${height} pixels`);
  if (width * height <= maxImagePixels) return;
  const millions = (pixels: number) => Math.round(pixels / 1e6);
  const message = `The image has ${width} x ${height} pixels, ${millions(width * height)} million`;
  const remedy = `Scale it down: at most ${millions(maxImagePixels)} million pixels are decoded.`;
  throw dataError("image-too-large", message, remedy, { file });
}
