import { copyFileSync, mkdirSync, readFileSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { Dataset } from "../../../src/core/data/dataset.ts";
import { decodeImage } from "../../../src/node/images/openImages.ts";
import { openDataset } from "../../../src/node/openData.ts";
import { png } from "../../support/png.ts";
import { failure, input } from "../../unit/data/support.ts";
import { bundle, root, start, tempFolder } from "./support.ts";

const fixtures = path.join(root, "test/fixtures/images");
const fixture = (name: string) => readFileSync(path.join(fixtures, name));
/** Takes one grey pixel, as it is. */
const onePixel = [input([null, 1, 1, 1])];

function grey(level: number): Uint8Array {
  return png({ width: 1, height: 1, samples: [level] });
}

/** Writes a tree of files: folders as objects. */
interface Tree {
  readonly [name: string]: Uint8Array | string | Tree;
}
function write(folder: string, tree: Tree): string {
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of Object.entries(tree)) {
    const file = path.join(folder, name);
    if (typeof content === "string" || content instanceof Uint8Array) writeFileSync(file, content);
    else write(file, content);
  }
  return folder;
}

const raw = '{ "scale": 1 }';

/** Values and labels of one-pixel samples, by value. */
async function contents(set: Dataset): Promise<readonly (readonly [number, number | undefined])[]> {
  const { feeds, labels } = await set.batch(0, set.samples);
  return Array.from(feeds.input?.data as Float32Array, (value, index) => [value, labels?.[index]] as const).sort(
    ([a], [b]) => a - b,
  );
}

describe("decoding", () => {
  it.each(["colours", "progressive", "grey", "turned"])("gives the pixels of Pillow, upright: %s.jpg", async (name) => {
    const image = await decodeImage(fixture(`${name}.jpg`), name);
    expect(image).toEqual(await decodeImage(fixture(`${name}.png`), name));
    expect([image.width, image.height]).toEqual(name === "turned" ? [16, 24] : [24, 16]);
    expect(new Set(image.data).size).toBeGreaterThan(50);
  });

  it.each([1, 2, 4, 8, 16] as const)("reads grey PNGs of %i bits, interlaced or not", async (depth) => {
    const [width, height] = [11, 6];
    const samples = Array.from({ length: width * height }, (_, at) => (at * 7919) % 2 ** depth);
    // 16 bits are cut to the upper 8; fewer than 8 are spread from 0 to 255.
    const expected = samples.map((value) => (depth === 16 ? value >> 8 : (value * 255) / (2 ** depth - 1)));
    for (const interlaced of [false, true]) {
      const { data } = await decodeImage(png({ width, height, samples, depth, interlaced }), "a.png");
      expect([...data]).toEqual(expected.flatMap((level) => [level, level, level, 255]));
    }
  });

  it("reads PNGs in colour, by palette and with transparency", async () => {
    const pixels = async (parts: Parameters<typeof png>[0]) => [...(await decodeImage(png(parts), "a.png")).data];
    const size = { width: 2, height: 1 } as const;
    expect(await pixels({ ...size, colour: 2, samples: [1, 2, 3, 4, 5, 6] })).toEqual([1, 2, 3, 255, 4, 5, 6, 255]);
    expect(await pixels({ ...size, colour: 6, samples: [1, 2, 3, 0, 4, 5, 6, 7] })).toEqual([1, 2, 3, 0, 4, 5, 6, 7]);
    expect(await pixels({ ...size, colour: 4, samples: [1, 0, 2, 7] })).toEqual([1, 1, 1, 0, 2, 2, 2, 7]);
    const palette = [9, 8, 7, 6, 5, 4];
    for (const depth of [1, 8] as const) {
      expect(await pixels({ ...size, colour: 3, depth, palette, samples: [1, 0] })).toEqual([
        6, 5, 4, 255, 9, 8, 7, 255,
      ]);
    }
  });

  it("of what is no whole image is SQ4061, and the next image is decoded all the same", async () => {
    const jpeg = fixture("colours.jpg");
    const scan = jpeg.indexOf(Buffer.of(0xff, 0xda));
    const bad: readonly [string, Uint8Array][] = [
      ["empty", new Uint8Array(0)],
      ["text", Buffer.from("no image")],
      ["cut JPEG", jpeg.subarray(0, -20)],
      ["JPEG without the rest of its picture", Buffer.concat([jpeg.subarray(0, scan + 40), Buffer.of(0xff, 0xd9)])],
      ["JPEG with a broken table", Buffer.concat([jpeg.subarray(0, 30), jpeg.subarray(31)])],
      ["PNG with less than its header says", png({ width: 9, height: 9, samples: [], raw: new Uint8Array(12) })],
      ["PNG with more than its header says", png({ width: 1, height: 1, samples: [], raw: new Uint8Array(2 ** 20) })],
      ["PNG with an unknown filter", png({ width: 1, height: 1, samples: [], raw: Uint8Array.of(9, 9) })],
      ["PNG by a palette that is not there", png({ width: 1, height: 1, colour: 3, samples: [0] })],
    ];
    for (const [name, bytes] of bad) {
      const error = await failure(() => decodeImage(bytes, `${name}.png`));
      expect([name, error.code, error.place.file]).toEqual([name, "SQ4061", `${name}.png`]);
      expect((await decodeImage(jpeg, "a")).width).toBe(24);
      expect((await decodeImage(grey(7), "a")).data[0]).toBe(7);
    }
  });

  it("writes nothing, whatever a decoder says", async () => {
    const source = `
      import { decodeImage } from "./src/node/images/openImages.ts";
      import { readFileSync } from "node:fs";
      const bytes = readFileSync(process.argv[2]);
      const broken = Buffer.concat([bytes.subarray(0, bytes.indexOf(Buffer.of(255, 218)) + 40), Buffer.of(255, 217)]);
      decodeImage(broken, "a.jpg").catch((error) => decodeImage(bytes, "b").then(({ width }) => console.log(error.code, width)));`;
    const folder = tempFolder();
    // As it ships: the decoders lie beside the bundle, and there are no packages.
    const packages = path.join(root, "node_modules/@jsquash");
    copyFileSync(path.join(packages, "jpeg/codec/dec/mozjpeg_dec.wasm"), path.join(folder, "mozjpeg_dec.wasm"));
    const { file } = await bundle(source, folder);
    const { stdout, stderr } = await start(process.execPath, [file, path.join(fixtures, "colours.jpg")], {
      cwd: folder,
    }).ended;
    expect([stdout, stderr]).toEqual(["SQ4061 24\n", ""]);
  });
});

describe("a folder of images", () => {
  it("is a set without labels, whatever its files are called", async () => {
    const folder = write(path.join(tempFolder(), "set"), {
      "a.PNG": grey(1),
      "b.jpeg": grey(2),
      ".hidden.png": grey(9),
      "notes.txt": "x",
      "preprocess.json": raw,
    });
    const set = await openDataset(folder, onePixel);
    expect(set).toMatchObject({ name: folder, samples: 2, hasLabels: false, synthetic: false });
    expect(await contents(set)).toEqual([
      [1, undefined],
      [2, undefined],
    ]);
    await set.close();
  });

  it("with folders of images has their labels, and the preprocess.json beside it counts", async () => {
    const base = tempFolder();
    const folder = write(path.join(base, "set"), {
      dog: { "x.png": grey(4), "y.png": grey(6) },
      cat: { "x.png": grey(8) },
    });
    const plain = await openDataset(folder, onePixel);
    expect(plain.notes.join()).toContain("(0 cat, 1 dog)");
    expect(plain.notes.join()).toContain("there is no preprocess.json");
    writeFileSync(path.join(base, "preprocess.json"), '{ "scale": 0.5, "classes": { "dog": 7, "cat": 3 } }');
    const set = await openDataset(folder, onePixel);
    expect(await contents(set)).toEqual([
      [2, 7],
      [3, 7],
      [4, 3],
    ]);
    expect(set.hash).not.toBe(plain.hash);
    writeFileSync(path.join(folder, "preprocess.json"), raw);
    expect((await contents(await openDataset(folder, onePixel)))[0]).toEqual([4, 1]);
  });

  it("has another hash when an image, its name or its class changes", async () => {
    const base = tempFolder();
    const sets = ["a", "b", "c", "d"].map((name) => path.join(base, name));
    const [a = "", b = "", c = "", d = ""] = sets;
    write(a, { "0": { "x.png": grey(1) }, "1": { "y.png": grey(2) } });
    write(b, { "0": { "x.png": grey(1) }, "1": { "y.png": grey(2) } });
    write(c, { "0": { "x.png": grey(1) }, "2": { "y.png": grey(2) } });
    write(d, { "0": { "x.png": grey(1) }, "1": { "z.png": grey(2) } });
    const dated = (folder: string) => {
      for (const file of ["0/x.png", "1/y.png", "2/y.png", "1/z.png"]) {
        try {
          utimesSync(path.join(folder, file), 1e9, 1e9);
        } catch {
          // Not in this one.
        }
      }
    };
    sets.forEach(dated);
    const hashes = await Promise.all(sets.map(async (folder) => (await openDataset(folder, onePixel)).hash));
    expect(hashes[1]).toBe(hashes[0]);
    expect(new Set(hashes).size).toBe(3);
    utimesSync(path.join(b, "0/x.png"), 2e9, 2e9);
    expect((await openDataset(b, onePixel)).hash).not.toBe(hashes[0]);
  });

  it("says which images it does not read", async () => {
    const folder = write(tempFolder(), { "a.png": grey(1), "b.webp": "x", "c.bmp": "x" });
    const { notes, samples } = await openDataset(folder, onePixel);
    expect(samples).toBe(1);
    expect(notes.join()).toContain("neither JPEG nor PNG are not used: b.webp and 1 more");
  });

  it.each<[string, Tree, RegExp]>([
    ["is empty", {}, /neither images nor ONNX test data/],
    ["has empty folders", { cat: {} }, /neither images nor ONNX test data/],
    ["has images of other kinds alone", { "a.webp": "x" }, /no JPEG or PNG images, but a\.webp/],
    [
      "has images and classes",
      { "a.png": grey(1), cat: { "b.png": grey(2) } },
      /images of its own \(a\.png\) and folders with images \(cat\)/,
    ],
    ["has a class without images", { cat: { "a.png": grey(1) }, dog: {} }, /The folder dog has no JPEG or PNG images/],
    ["is one too high", { train: { cat: { "a.png": grey(1) } } }, /train has folders of its own/],
  ])("that %s is SQ4060, and says what it found", async (_, tree, message) => {
    const error = await failure(() => openDataset(write(tempFolder(), tree), onePixel));
    expect(error.code).toBe("SQ4060");
    expect(error.message).toMatch(message);
    expect(error.remedy).not.toBe("");
  });

  it("follows links inside it, and none that leads out or nowhere", async () => {
    const base = tempFolder();
    const folder = write(path.join(base, "set"), { "a.png": grey(1) });
    write(base, { "out.png": grey(9), elsewhere: { "x.png": grey(9) } });
    symlinkSync("a.png", path.join(folder, "b.png"));
    expect(await contents(await openDataset(folder, onePixel))).toHaveLength(2);
    // The folder itself may be a link: whoever names it means where it leads.
    symlinkSync(folder, path.join(base, "link"));
    expect((await openDataset(path.join(base, "link"), onePixel)).samples).toBe(2);
    for (const [name, target] of [
      ["c.png", "../out.png"],
      ["d.png", "missing.png"],
      ["class", "../elsewhere"],
    ] as const) {
      const own = write(path.join(base, `set-${name}`), { "a.png": grey(1) });
      symlinkSync(target, path.join(own, name));
      const error = await failure(() => openDataset(own, onePixel));
      expect([error.code, error.place.file]).toEqual(["SQ4064", path.join(own, name)]);
    }
  });

  it("with a damaged image says which, when it is its turn", async () => {
    const folder = write(tempFolder(), { "0": { "a.png": grey(1) }, "1": { "b.png": "no image" } });
    const set = await openDataset(folder, onePixel);
    const error = await failure(() => set.batch(0, 2));
    expect([error.code, error.place.file]).toEqual(["SQ4061", path.join(folder, "1", "b.png")]);
  });

  it("with an image that changes or goes while the set is open says so", async () => {
    const folder = write(tempFolder(), { "a.png": grey(1) });
    const set = await openDataset(folder, onePixel);
    truncateSync(path.join(folder, "a.png"), 10);
    expect((await failure(() => set.batch(0, 1))).code).toBe("SQ1005");
  });

  it("is not read after a signal", async () => {
    const folder = write(tempFolder(), { "a.png": grey(1) });
    const signal = AbortSignal.abort(new Error("stopped"));
    await expect(openDataset(folder, onePixel, {}, signal)).rejects.toThrow("stopped");
  });

  it("of a model whose size is open takes the assumed one", async () => {
    const folder = write(tempFolder(), { "a.png": grey(51) });
    const model = [input([null, 3, null, null])];
    expect((await failure(() => openDataset(folder, model))).code).toBe("SQ4065");
    const shapes = new Map([["input", [1, 3, 2, 4]]]);
    const set = await openDataset(folder, model, { shapes });
    const { feeds } = await set.batch(0, 1);
    expect(feeds.input?.dims).toEqual([1, 3, 2, 4]);
    expect(new Set(feeds.input?.data as Float32Array)).toEqual(new Set([Math.fround(0.2)]));
  });

  it("feeds a model that takes numbers besides, once these are given", async () => {
    const folder = write(tempFolder(), { "a.png": grey(1), "b.png": grey(2), "preprocess.json": raw });
    const model = [...onePixel, input([], "float32", "threshold")];
    const error = await failure(() => openDataset(folder, model));
    expect([error.code, error.remedy]).toEqual(["SQ4065", expect.stringContaining("--input threshold=VALUE")]);
    const set = await openDataset(folder, model, { fixed: { threshold: [0.5] } });
    const { feeds, samples } = await set.batch(0, 2);
    expect(samples).toBe(2);
    expect(feeds.threshold).toEqual({ type: "float32", dims: [], data: Float32Array.of(0.5) });
    expect(set.hash).not.toBe((await openDataset(folder, model, { fixed: { threshold: [0.6] } })).hash);
  });
});
