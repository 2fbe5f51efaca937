import { describe, expect, it } from "vitest";
import { type Fit, fitImage } from "../../../../src/core/data/images/fitImage.ts";
import type { PixelImage } from "../../../../src/core/data/images/image.ts";
import { type Interpolation, resample } from "../../../../src/core/data/images/resample.ts";

function grey(rows: readonly (readonly number[])[]): PixelImage {
  return { width: rows[0]?.length ?? 0, height: rows.length, channels: 1, data: Uint8Array.from(rows.flat()) };
}

function rowsOf({ width, data }: PixelImage): readonly (readonly number[])[] {
  return Array.from({ length: data.length / width }, (_, row) => [...data.subarray(row * width, (row + 1) * width)]);
}

function resize(image: PixelImage, width: number, height: number, interpolation: Interpolation) {
  return rowsOf(resample(image, width, height, interpolation, { x: 0, y: 0, width, height }));
}

const noise = grey([
  [0, 91, 182, 17, 108, 199, 34],
  [37, 141, 245, 93, 197, 45, 149],
  [148, 9, 126, 243, 104, 221, 82],
  [77, 207, 81, 211, 85, 215, 89],
  [80, 223, 110, 253, 140, 27, 170],
]);

/** `Image.resize((3, 2))` and `((9, 7))` of Pillow 9.4 with BILINEAR, BICUBIC and BOX. */
const pillow = {
  bilinear: [
    [
      [102, 137, 125],
      [127, 164, 129],
    ],
    [
      [0, 61, 131, 145, 17, 88, 159, 144, 34],
      [21, 87, 163, 183, 60, 137, 133, 107, 100],
      [69, 91, 151, 194, 136, 163, 129, 107, 130],
      [148, 55, 61, 152, 243, 135, 169, 175, 82],
      [97, 133, 125, 122, 220, 119, 160, 174, 87],
      [78, 169, 160, 124, 229, 135, 123, 131, 124],
      [80, 175, 173, 142, 253, 165, 77, 75, 170],
    ],
  ],
  bicubic: [
    [
      [96, 142, 123],
      [128, 166, 130],
    ],
    [
      [0, 52, 142, 154, 13, 77, 180, 157, 19],
      [10, 84, 187, 199, 50, 145, 134, 97, 103],
      [67, 86, 164, 214, 136, 179, 120, 90, 144],
      [155, 45, 43, 157, 243, 123, 173, 185, 75],
      [95, 140, 122, 108, 220, 99, 173, 196, 72],
      [66, 187, 172, 108, 227, 130, 116, 132, 125],
      [73, 186, 177, 131, 255, 174, 54, 58, 182],
    ],
  ],
  area: [
    [
      [71, 146, 122],
      [147, 147, 126],
    ],
    [
      [0, 91, 91, 182, 17, 108, 199, 199, 34],
      [37, 141, 141, 245, 93, 197, 45, 45, 149],
      [37, 141, 141, 245, 93, 197, 45, 45, 149],
      [148, 9, 9, 126, 243, 104, 221, 221, 82],
      [77, 207, 207, 81, 211, 85, 215, 215, 89],
      [77, 207, 207, 81, 211, 85, 215, 215, 89],
      [80, 223, 223, 110, 253, 140, 27, 27, 170],
    ],
  ],
} as const;

describe("resizing", () => {
  it.each(["bilinear", "bicubic", "area"] as const)("gives the pixels of Pillow: %s", (interpolation) => {
    const [small, large] = pillow[interpolation];
    expect(resize(noise, 3, 2, interpolation)).toEqual(small);
    expect(resize(noise, 9, 7, interpolation)).toEqual(large);
  });

  it.each(["bilinear", "bicubic", "area"] as const)("to the same size changes nothing: %s", (interpolation) => {
    expect(resize(noise, 7, 5, interpolation)).toEqual(rowsOf(noise));
  });

  it("by area takes the mean of whole blocks, rounded half up", () => {
    const image = grey([
      [1, 2, 10, 10],
      [3, 4, 10, 11],
    ]);
    // Along rows first, each rounded: (1 + 2) / 2 = 1.5 is 2, (3 + 4) / 2 = 3.5 is 4, their mean 3.
    expect(resize(image, 2, 1, "area")).toEqual([[3, 11]]);
  });

  it("keeps a plain picture plain, and each channel for itself", () => {
    const data = Uint8Array.from({ length: 5 * 3 * 3 }, (_, at) => [10, 200, 255][at % 3] as number);
    const image = resample({ width: 5, height: 3, channels: 3, data }, 7, 2, "bicubic", {
      x: 0,
      y: 0,
      width: 7,
      height: 2,
    });
    expect([...image.data]).toEqual(Array.from({ length: 7 * 2 }, () => [10, 200, 255]).flat());
  });

  it("of a window gives that part of the whole", () => {
    const whole = resize(noise, 9, 7, "bicubic");
    const part = rowsOf(resample(noise, 9, 7, "bicubic", { x: 2, y: 3, width: 4, height: 2 }));
    expect(part).toEqual(whole.slice(3, 5).map((row) => row.slice(2, 6)));
  });
});

describe("an image in the size of the model's input", () => {
  const fit: Fit = { height: 2, width: 2, resize: "shorter-side", crop: 1, interpolation: "area", padding: 7 };
  const fitted = (image: PixelImage, how: Partial<Fit>) => {
    const result = fitImage(image, { ...fit, ...how });
    return result && rowsOf(result);
  };
  const wide = grey([
    [1, 2, 3, 4],
    [5, 6, 7, 8],
  ]);

  it("of that size is taken as it is", () => {
    for (const resize of ["shorter-side", "stretch", "longer-side-pad", "none"] as const) {
      expect(fitted(wide, { width: 4, resize })).toEqual(rowsOf(wide));
    }
  });

  it("is cropped at its centre where its shorter side fits", () => {
    expect(fitted(wide, {})).toEqual([
      [2, 3],
      [6, 7],
    ]);
    const tall = grey([[1], [2], [3], [4], [5]]);
    expect(fitted(tall, { width: 1, height: 1 })).toEqual([[3]]);
    // (4 - 1) / 2 is 1.5, and the even neighbour is 2, as in torchvision's CenterCrop.
    expect(fitted(grey([[1], [2], [3], [4]]), { width: 1, height: 1 })).toEqual([[3]]);
  });

  it("covers a size that is no square", () => {
    const square = grey([
      [1, 1, 1, 1],
      [2, 2, 2, 2],
      [3, 3, 3, 3],
      [4, 4, 4, 4],
    ]);
    expect(fitted(square, { width: 4, height: 2 })).toEqual([
      [2, 2, 2, 2],
      [3, 3, 3, 3],
    ]);
  });

  it("is stretched where its aspect counts for nothing", () => {
    expect(fitted(wide, { resize: "stretch" })).toEqual([
      [2, 4],
      [6, 8],
    ]);
  });

  it("is padded where all of it has to be seen", () => {
    expect(fitted(wide, { resize: "longer-side-pad", width: 4, height: 4 })).toEqual([
      [7, 7, 7, 7],
      [1, 2, 3, 4],
      [5, 6, 7, 8],
      [7, 7, 7, 7],
    ]);
    const thin = grey([new Array(100).fill(9)]);
    expect(fitted(thin, { resize: "longer-side-pad", width: 3, height: 3 })).toEqual([
      [7, 7, 7],
      [9, 9, 9],
      [7, 7, 7],
    ]);
  });

  it("is scaled to the size over the share that is cropped", () => {
    // 2 / 0.5: to 4 x 4, of which the middle 2 x 2 stay.
    const square = grey([
      [1, 1, 1, 1],
      [1, 8, 9, 1],
      [1, 6, 7, 1],
      [1, 1, 1, 1],
    ]);
    for (const resize of ["shorter-side", "stretch"] as const) {
      expect(fitted(square, { resize, crop: 0.5 })).toEqual([
        [8, 9],
        [6, 7],
      ]);
    }
  });

  it("of another size is refused where it is not to be scaled", () => {
    expect(fitted(wide, { resize: "none" })).toBeUndefined();
  });
});
