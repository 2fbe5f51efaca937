import { exifOrientation } from "./exif.ts";
import type { ImageHead, Orientation } from "./image.ts";
import { checkImageSize, damagedImage, unsupportedImage } from "./imageError.ts";

/** Encoders write about 10 scans; each is a pass over the whole image, so that more of them are an attack on the reader's time. */
const maxScans = 200;
/** Markers without a length behind them: restarts and TEM. */
const bare = (marker: number) => (marker >= 0xd0 && marker <= 0xd7) || marker === 0x01;
const exifName = [0x45, 0x78, 0x69, 0x66, 0, 0];

/** Frames by their marker (ITU-T T.81, table B.1) that decoders do not read. */
const otherFrames: Readonly<Record<number, string>> = {
  195: "lossless",
  197: "hierarchical",
  198: "hierarchical",
  199: "hierarchical",
  201: "arithmetically coded",
  202: "arithmetically coded",
  203: "arithmetically coded",
  205: "arithmetically coded",
  206: "arithmetically coded",
  207: "arithmetically coded",
};

/**
 * Reads a JPEG file's markers from its start to its end: sizes and orientation, and that it is whole.
 * @throws SigmaQuantError SQ4061 (damaged, cut), SQ4062 (CMYK, 12 bits, lossless), SQ4063 (too large)
 */
export function readJpegHead(bytes: Uint8Array, file: string): ImageHead {
  const cut = () => damagedImage(file, `The JPEG image ends too early, after ${bytes.length} bytes`);
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) throw damagedImage(file, "The file is no JPEG image");
  let size: { readonly width: number; readonly height: number } | undefined;
  let orientation: Orientation = 1;
  let scans = 0;
  for (let at = 2; ; ) {
    at = nextMarker(bytes, at);
    const marker = bytes[at];
    if (marker === undefined) throw cut();
    at++;
    if (bare(marker)) continue;
    if (marker === 0xd9) break;
    const length = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
    if (length < 2) throw damagedImage(file, `The JPEG image has a segment of ${length} bytes`);
    if (at + length > bytes.length) throw cut();
    const segment = bytes.subarray(at + 2, at + length);
    const other = otherFrames[marker];
    if (other !== undefined) throw unsupportedImage(file, `JPEG images that are ${other} are not read`);
    if (marker === 0xc0 || marker === 0xc1 || marker === 0xc2) size = readFrame(segment, file);
    if (marker === 0xe1 && exifName.every((byte, index) => segment[index] === byte)) {
      orientation = exifOrientation(segment.subarray(exifName.length));
    }
    if (marker === 0xda && ++scans > maxScans) {
      throw damagedImage(file, `The JPEG image has more than ${maxScans} scans`);
    }
    at += length;
  }
  if (size === undefined || scans === 0) throw damagedImage(file, "The JPEG image holds no picture");
  return { ...size, orientation };
}

/** Where the marker's second byte is: behind coded data, in which 0xff is followed by 0. */
function nextMarker(bytes: Uint8Array, from: number): number {
  for (let at = from; ; ) {
    at = bytes.indexOf(0xff, at);
    if (at === -1) return bytes.length;
    while (bytes[at] === 0xff) at++;
    if (bytes[at] !== 0) return at;
  }
}

function readFrame(segment: Uint8Array, file: string): { readonly width: number; readonly height: number } {
  const [precision = 0, h1 = 0, h0 = 0, w1 = 0, w0 = 0, components = 0] = segment;
  if (precision !== 8) throw unsupportedImage(file, `JPEG images of ${precision} bits are not read`);
  if (components !== 1 && components !== 3) {
    const kind = components === 4 ? "CMYK" : `${components} components`;
    throw unsupportedImage(file, `JPEG images in ${kind} are not read`, "Convert it to RGB, as JPEG or PNG.");
  }
  const width = (w1 << 8) | w0;
  const height = (h1 << 8) | h0;
  checkImageSize(width, height, file);
  return { width, height };
}
