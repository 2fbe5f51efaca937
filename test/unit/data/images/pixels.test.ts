import { describe, expect, it } from "vitest";
import { exifOrientation } from "../../../../src/core/data/images/exif.ts";
import type { Orientation, RgbaImage } from "../../../../src/core/data/images/image.ts";
import { orient, toChannels, writePlanar } from "../../../../src/core/data/images/pixels.ts";

/** Pixels by their red. */
function image(rows: readonly (readonly number[])[]): RgbaImage {
  const data = Uint8Array.from(rows.flat().flatMap((red) => [red, 0, 0, 255]));
  return { width: rows[0]?.length ?? 0, height: rows.length, data };
}

const stored = image([
  [1, 2, 3],
  [4, 5, 6],
]);

describe("an image's orientation", () => {
  it.each<[Orientation, readonly (readonly number[])[]]>([
    [
      1,
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
    ],
    [
      2,
      [
        [3, 2, 1],
        [6, 5, 4],
      ],
    ],
    [
      3,
      [
        [6, 5, 4],
        [3, 2, 1],
      ],
    ],
    [
      4,
      [
        [4, 5, 6],
        [1, 2, 3],
      ],
    ],
    [
      5,
      [
        [1, 4],
        [2, 5],
        [3, 6],
      ],
    ],
    [
      6,
      [
        [4, 1],
        [5, 2],
        [6, 3],
      ],
    ],
    [
      7,
      [
        [6, 3],
        [5, 2],
        [4, 1],
      ],
    ],
    [
      8,
      [
        [3, 6],
        [2, 5],
        [1, 4],
      ],
    ],
  ])("%i is undone", (orientation, upright) => {
    expect(orient(stored, orientation)).toEqual(image(upright));
  });

  const tiff = (little: boolean, tag: number, type: number, value: number) => {
    const bytes = new Uint8Array(26);
    const view = new DataView(bytes.buffer);
    bytes.set(little ? [0x49, 0x49] : [0x4d, 0x4d]);
    view.setUint16(2, 42, little);
    view.setUint32(4, 8, little);
    view.setUint16(8, 1, little);
    view.setUint16(10, tag, little);
    view.setUint16(12, type, little);
    view.setUint32(14, 1, little);
    view.setUint16(18, value, little);
    return bytes;
  };

  it("is read in either byte order", () => {
    expect(exifOrientation(tiff(true, 0x112, 3, 6))).toBe(6);
    expect(exifOrientation(tiff(false, 0x112, 3, 8))).toBe(8);
  });

  it("counts as upright where it makes no sense", () => {
    const strange = [
      tiff(true, 0x113, 3, 6),
      tiff(true, 0x112, 4, 6),
      tiff(true, 0x112, 3, 9),
      tiff(true, 0x112, 3, 0),
    ];
    for (const bytes of [...strange, new Uint8Array(0), new Uint8Array(26), tiff(true, 0x112, 3, 6).subarray(0, 20)]) {
      expect(exifOrientation(bytes)).toBe(1);
    }
    const far = tiff(true, 0x112, 3, 6);
    far.fill(0xff, 4, 8);
    expect(exifOrientation(far)).toBe(1);
  });
});

describe("channels", () => {
  const pixel = (...data: readonly number[]): RgbaImage => ({ width: 1, height: 1, data: Uint8Array.from(data) });

  it("are red, green, blue, or the other way round, and transparency is dropped", () => {
    expect([...toChannels(pixel(1, 2, 3, 0), "RGB").data]).toEqual([1, 2, 3]);
    expect([...toChannels(pixel(1, 2, 3, 0), "BGR").data]).toEqual([3, 2, 1]);
  });

  it("in grey weigh as eyes do, and leave what is grey as it is", () => {
    // 0.299, 0.587, 0.114 of 255.
    expect(toChannels(pixel(255, 0, 0, 255), "L").data[0]).toBe(76);
    expect(toChannels(pixel(0, 255, 0, 255), "L").data[0]).toBe(150);
    expect(toChannels(pixel(0, 0, 255, 255), "L").data[0]).toBe(29);
    for (let level = 0; level < 256; level++)
      expect(toChannels(pixel(level, level, level, 255), "L").data[0]).toBe(level);
  });

  it("come apart for a model that has them first", () => {
    const planar = new Uint8Array(6);
    writePlanar({ width: 2, height: 1, channels: 3, data: Uint8Array.of(1, 2, 3, 4, 5, 6) }, planar);
    expect([...planar]).toEqual([1, 4, 2, 5, 3, 6]);
  });
});
