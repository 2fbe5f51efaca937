import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { readJpegHead } from "../../../../src/core/data/images/jpegHead.ts";
import { readPngHead } from "../../../../src/core/data/images/pngHead.ts";
import { png, pngChunk } from "../../../support/png.ts";
import { failure } from "../support.ts";

const fixtures = fileURLToPath(new URL("../../../fixtures/images/", import.meta.url));
const jpeg = (name: string) => readFileSync(`${fixtures}${name}.jpg`);
const codeOf = async (work: () => unknown) => (await failure(work)).code;

/** The bytes with those from `at` on replaced. */
function patched(bytes: Uint8Array, at: number, ...values: readonly number[]): Uint8Array {
  const copy = bytes.slice();
  copy.set(values, at);
  return copy;
}

describe("a JPEG's head", () => {
  it("has its size and orientation", () => {
    for (const name of ["colours", "progressive", "grey"]) {
      expect(readJpegHead(jpeg(name), name)).toEqual({ width: 24, height: 16, orientation: 1 });
    }
    expect(readJpegHead(jpeg("turned"), "turned")).toEqual({ width: 24, height: 16, orientation: 6 });
  });

  it("of a file that is cut anywhere says so, with the file", async () => {
    const whole = jpeg("colours");
    for (let length = 2; length < whole.length; length++) {
      const error = await failure(() => readJpegHead(whole.subarray(0, length), "cut.jpg"));
      expect([error.code, error.place.file]).toEqual(["SQ4061", "cut.jpg"]);
    }
  });

  it("of kinds that are not read says which", async () => {
    const error = await failure(() => readJpegHead(jpeg("cmyk"), "cmyk.jpg"));
    expect([error.code, error.message]).toEqual(["SQ4062", "JPEG images in CMYK are not read"]);
    const whole = jpeg("colours");
    const frame = whole.indexOf(Buffer.of(0xff, 0xc0));
    expect(await codeOf(() => readJpegHead(patched(whole, frame + 4, 12), "a"))).toBe("SQ4062");
    for (const marker of [0xc3, 0xc5, 0xc9, 0xca]) {
      expect(await codeOf(() => readJpegHead(patched(whole, frame + 1, marker), "a"))).toBe("SQ4062");
    }
  });

  it("that claims more pixels than are decoded is refused before memory is taken", async () => {
    const whole = jpeg("colours");
    const frame = whole.indexOf(Buffer.of(0xff, 0xc0));
    const error = await failure(() => readJpegHead(patched(whole, frame + 5, 0xff, 0xff, 0xff, 0xff), "a"));
    expect([error.code, error.message]).toEqual(["SQ4063", "The image has 65535 x 65535 pixels, 4295 million"]);
    expect(await codeOf(() => readJpegHead(patched(whole, frame + 5, 0, 0), "a"))).toBe("SQ4061");
  });

  it("with endless scans is refused", async () => {
    const scan = [0xff, 0xda, 0, 2];
    const endless = Uint8Array.from([0xff, 0xd8, ...new Array(500).fill(scan).flat(), 0xff, 0xd9]);
    expect((await failure(() => readJpegHead(endless, "a"))).message).toMatch(/more than 200 scans/);
  });

  it("without a picture, or of something else, is damaged", async () => {
    for (const bytes of [[], [0xff, 0xd8, 0xff, 0xd9], [0x89, 0x50], [0xff, 0xd8, 0xff, 0xe0, 0, 1]]) {
      expect(await codeOf(() => readJpegHead(Uint8Array.from(bytes), "a"))).toBe("SQ4061");
    }
  });
});

describe("a PNG's head", () => {
  const grey = png({ width: 5, height: 3, samples: new Uint8Array(15) });

  it("has its size, and the bytes that it inflates to", () => {
    expect(readPngHead(grey, "a")).toMatchObject({ width: 5, height: 3, orientation: 1, inflatedBytes: 3 * 6 });
    const samples = new Uint16Array(15);
    expect(readPngHead(png({ width: 5, height: 3, samples, depth: 1 }), "a").inflatedBytes).toBe(3 * 2);
    expect(readPngHead(png({ width: 5, height: 3, samples, depth: 16 }), "a").inflatedBytes).toBe(3 * 11);
    // 15 pixels, in seven passes with 1, 1, 0, 1, 1, 2 and 1 lines.
    const { inflatedBytes } = readPngHead(png({ width: 5, height: 3, samples, interlaced: true }), "a");
    expect(inflatedBytes).toBe(15 + 1 + 1 + 0 + 1 + 1 + 2 + 1);
  });

  it("has the orientation of its EXIF", () => {
    const exif = Uint8Array.of(0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 3, 0, 0, 0, 0, 0, 0);
    const turned = png({ width: 1, height: 1, samples: [0], chunks: [pngChunk("eXIf", exif)] });
    expect(readPngHead(turned, "a").orientation).toBe(3);
  });

  it("of a file that is cut or changed anywhere says so, with the file", async () => {
    for (let length = 0; length < grey.length; length++) {
      const error = await failure(() => readPngHead(grey.subarray(0, length), "cut.png"));
      expect([error.code, error.place.file]).toEqual(["SQ4061", "cut.png"]);
    }
    for (let at = 0; at < grey.length; at++) {
      expect(await codeOf(() => readPngHead(patched(grey, at, (grey[at] ?? 0) ^ 0x55), "a"))).toBe("SQ4061");
    }
  });

  it("of no known kind is damaged", async () => {
    const bad = [{ depth: 16, colour: 3 } as const, { depth: 4, colour: 2 } as const];
    for (const kind of bad) {
      expect(await codeOf(() => readPngHead(png({ width: 1, height: 1, samples: [0, 0, 0], ...kind }), "a"))).toBe(
        "SQ4061",
      );
    }
    expect(
      await codeOf(() => readPngHead(png({ width: 0, height: 1, samples: [], raw: new Uint8Array(1) }), "a")),
    ).toBe("SQ4061");
  });

  it("that claims more pixels than are decoded is refused before memory is taken", async () => {
    const huge = png({ width: 100_000, height: 100_000, samples: [], raw: new Uint8Array(9) });
    expect(await codeOf(() => readPngHead(huge, "a"))).toBe("SQ4063");
  });
});
