import type { Orientation } from "./image.ts";

/** The tag of IFD 0 that says how an image is to be turned (EXIF 2.3, 4.6.4 A). */
const orientationTag = 0x0112;
const shortType = 3;
/** Cameras write some dozen entries into IFD 0. */
const maxEntries = 1000;

/** The orientation that a TIFF block (the content of EXIF) asks for; 1 where it says nothing that can be understood. */
export function exifOrientation(tiff: Uint8Array): Orientation {
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  if (tiff.length < 14) return 1;
  const mark = view.getUint16(0);
  // "II" and "MM": little-endian and big-endian.
  if (mark !== 0x4949 && mark !== 0x4d4d) return 1;
  const little = mark === 0x4949;
  const directory = view.getUint32(4, little);
  if (directory + 2 > tiff.length) return 1;
  const entries = Math.min(view.getUint16(directory, little), maxEntries);
  for (let entry = 0; entry < entries; entry++) {
    const at = directory + 2 + entry * 12;
    if (at + 12 > tiff.length) return 1;
    if (view.getUint16(at, little) !== orientationTag) continue;
    const value = view.getUint16(at + 8, little);
    const known = view.getUint16(at + 2, little) === shortType && value >= 1 && value <= 8;
    return known ? (value as Orientation) : 1;
  }
  return 1;
}
