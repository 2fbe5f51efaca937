import { describe, expect, it } from "vitest";
import { crc32 } from "../../../src/core/data/crc32.ts";
import { memorySource, openNpz } from "../../../src/core/data/npz.ts";
import { SigmaQuantError } from "../../../src/core/errors.ts";
import type { TensorData } from "../../../src/core/ports.ts";
import { countingSource, failure, npy, type ZipOptions, type ZipPart, zip } from "./support.ts";

const open = (bytes: Uint8Array) => openNpz(memorySource(bytes), "set.npz");
const part = (name: string, values: readonly number[], options: Partial<ZipPart> = {}): ZipPart => ({
  name: `${name}.npy`,
  content: npy("|u1", `(${values.length},)`, Uint8Array.from(values)),
  ...options,
});

async function read(parts: readonly ZipPart[], name: string, options: ZipOptions = {}): Promise<TensorData> {
  const array = await (await open(zip(parts, options))).open(name);
  return (await array.rows(0, array.dims[0] ?? 1)).data;
}

describe("arrays in a .npz", () => {
  it.each([
    ["stored", false, false],
    ["deflated", true, false],
    ["stored, zip64", false, true],
    ["deflated, zip64", true, true],
  ])("that are %s are read by name", async (_, deflate, zip64) => {
    const parts = [part("x", [1, 2, 3], { deflate }), part("y", [9, 8], { deflate })];
    expect(await read(parts, "x", { zip64 })).toEqual(Uint8Array.of(1, 2, 3));
    expect(await read(parts, "y", { zip64 })).toEqual(Uint8Array.of(9, 8));
  });

  it("that NumPy 2.4 compressed are read", async () => {
    const hex =
      "504b03042d0000000800000021007e9ed7cfffffffffffffffff05001400782e6e70790100100086000000000000004c000000000000009bec17ea1b10c9c850c650ad9e925a9c5ca46ea5a05e536aa8aea3a09e965f54529498179f5f94920a12774bcc294e058a17672416a402f91a463a0ac69a3a0ab50a64032e06462666165600504b03042d00000008000000210071fb39abffffffffffffffff0a0014006c6162656c732e6e707901001000900000000000000048000000000000009bec17ea1b10c9c850c650ad9e925a9c5ca46ea5a06e9369a1aea3a09e965f54529498179f5f94920a12774bcc294e058a17672416a402f91a463a9a3a0ab50a14002e4606540000504b01022d032d0000000800000021007e9ed7cf4c00000086000000050000000000000000000000800100000000782e6e7079504b01022d032d00000008000000210071fb39ab48000000900000000a00000000000000000000008001830000006c6162656c732e6e7079504b050600000000020002006b000000070100000000";
    const file = await open(Uint8Array.from(Buffer.from(hex, "hex")));
    expect(file.names).toEqual(["x", "labels"]);
    const x = await file.open("x");
    expect(x.dims).toEqual([2, 3]);
    expect((await x.rows(1, 1)).data).toEqual(Uint8Array.of(3, 4, 5));
    const labels = await file.open("labels");
    expect((await labels.rows(0, 2)).data).toEqual(BigInt64Array.of(1n, 0n));
  });

  it("are found behind a comment and beside entries of other kinds", async () => {
    const parts = [{ name: "readme.txt", content: Uint8Array.of(65) }, part("x", [7])];
    const file = await open(zip(parts, { comment: "PK made by hand" }));
    expect(file.names).toEqual(["x"]);
    expect(await read(parts, "x", { comment: "x".repeat(65_535) })).toEqual(Uint8Array.of(7));
  });

  it("are not read before the model asks for them, and stored ones only in the rows asked for", async () => {
    const wide = { name: "x.npy", content: npy("|u1", "(1000, 50)", new Uint8Array(50_000).fill(3)) };
    const source = countingSource(zip([wide, part("unused", new Array(20_000).fill(1))]));
    const file = await openNpz(source, "set.npz");
    const array = await file.open("x");
    source.total = 0;
    await array.rows(10, 2);
    expect(source.total).toBe(100);
  });

  it("of an unaligned place in the file have the right numbers all the same", async () => {
    const floats = new Uint8Array(Float64Array.of(0.1, 0.2).buffer);
    for (const name of ["a", "ab", "abc"]) {
      const parts = [{ name: `${name}.npy`, content: npy("<f8", "(2,)", floats) }];
      expect(await read(parts, name)).toEqual(Float64Array.of(0.1, 0.2));
    }
  });
});

describe("hostile and broken zips", () => {
  it("a file that is none, or is cut off, is SQ4010", async () => {
    const whole = zip([part("x", [1, 2, 3])]);
    for (const bytes of [new Uint8Array(0), Uint8Array.of(1, 2, 3), whole.slice(0, -5), whole.slice(20)]) {
      expect((await failure(() => open(bytes))).code).toBe("SQ4010");
    }
  });

  it("an entry that claims more than deflate can hold is refused before memory is taken", async () => {
    const bomb = part("x", [1], { deflate: true, claims: { bytes: 2 ** 31 } });
    const file = await open(zip([bomb]));
    const error = await failure(() => file.open("x"));
    expect(error.code).toBe("SQ4012");
    expect(error.message).toContain("1032:1");
  });

  it("an entry that inflates to more than it states is stopped at its size", async () => {
    const zeros = new Uint8Array(1_000_000);
    const content = npy("|u1", "(1000000,)", zeros);
    const header = content.length - zeros.length;
    const shorter = npy("|u1", "(1000,)", new Uint8Array(0));
    expect(shorter.length).toBe(header);
    const lying = new Uint8Array(content);
    lying.set(shorter);
    const file = await open(zip([{ name: "x.npy", content: lying, deflate: true, claims: { bytes: header + 1000 } }]));
    const array = await file.open("x");
    const error = await failure(() => array.rows(0, 1));
    expect(error.code).toBe("SQ4014");
    expect(error.message).toContain("more than");
  });

  it("an entry that inflates to less than it states is SQ4014", async () => {
    const content = npy("|u1", "(1000,)", new Uint8Array(10));
    const file = await open(zip([{ name: "x.npy", content, deflate: true, claims: { bytes: content.length + 990 } }]));
    const array = await file.open("x");
    expect((await failure(() => array.rows(0, 1))).code).toBe("SQ4014");
  });

  it("a wrong checksum and damaged bytes are SQ4014", async () => {
    const wrong = part("x", [1, 2, 3], { deflate: true, claims: { crc: 1 } });
    const array = await (await open(zip([wrong]))).open("x");
    expect((await failure(() => array.rows(0, 1))).message).toContain("checksum");
    const bytes = zip([part("x", [1, 2, 3], { deflate: true })]);
    bytes.fill(0xff, 35, 60);
    const damaged = await open(bytes);
    expect((await failure(() => damaged.open("x"))).code).toBe("SQ4014");
  });

  it("entries that share their bytes are refused: that is how a small file claims to be a huge one", async () => {
    const parts = Array.from({ length: 20 }, (_, index) => part(`x${index}`, new Array(100).fill(1)));
    const shared = parts.map((each) => ({ ...each, claims: { headerAt: 0, compressed: 5000, bytes: 5000 } }));
    expect((await failure(() => open(zip(shared)))).message).toContain("more bytes than it has");
  });

  it.each([
    ["4097 entries", "SQ4012", [part("x", [1])], { entries: 4097 }],
    ["a name of 1025 bytes", "SQ4012", [part("x".repeat(1021), [1])], {}],
    ["a name that climbs", "SQ4013", [part("../x", [1])], {}],
    ["a name that climbs, with backslashes", "SQ4013", [part("a\\..\\x", [1])], {}],
    ["a NUL in a name", "SQ4013", [part("x\0", [1])], {}],
    ["a name twice", "SQ4010", [part("x", [1]), part("x", [2])], {}],
    ["an encrypted entry", "SQ4011", [part("x", [1], { claims: { flags: 1 } })], {}],
    ["an entry in Zstandard", "SQ4011", [part("x", [1], { claims: { method: 93 } })], {}],
    ["a stored entry of two sizes", "SQ4010", [part("x", [1], { claims: { bytes: 7 } })], {}],
    ["fewer entries than it says", "SQ4010", [part("x", [1])], { entries: 2 }],
  ] as const)("a zip with %s is %s", async (_, code, parts, options) => {
    expect((await failure(() => open(zip(parts, options)))).code).toBe(code);
  });

  it("an entry outside the file is SQ4010", async () => {
    for (const headerAt of [1_000_000, 3]) {
      const file = await open(zip([part("x", [1], { claims: { headerAt } })]));
      expect((await failure(() => file.open("x"))).code).toBe("SQ4010");
    }
  });

  it("a stored entry whose array is longer than the entry is SQ4003, not the next entry's bytes", async () => {
    const short = { name: "x.npy", content: npy("|u1", "(1000,)", Uint8Array.of(1, 2)) };
    const file = await open(zip([short, part("y", new Array(2000).fill(1))]));
    expect((await failure(() => file.open("x"))).code).toBe("SQ4003");
  });

  it("every cut and every flipped byte ends in an error of ours or in an array", async () => {
    const whole = zip([part("x", [1, 2, 3], { deflate: true }), part("y", [4, 5])]);
    const attempt = async (bytes: Uint8Array) => {
      const file = await open(bytes);
      for (const name of file.names) {
        const array = await file.open(name);
        await array.rows(0, Math.min(1, array.dims[0] ?? 1));
      }
    };
    for (let at = 0; at < whole.length; at++) {
      await onlyOurErrors(() => attempt(whole.slice(0, at)));
      const flipped = whole.slice();
      flipped[at] = (flipped[at] as number) ^ 0x41;
      await onlyOurErrors(() => attempt(flipped));
    }
  });
});

/** Whatever comes of it, no crash of another kind. */
async function onlyOurErrors(work: () => Promise<void>): Promise<void> {
  await work().catch((error: unknown) => {
    if (!(error instanceof SigmaQuantError)) throw error;
  });
}

describe("CRC-32", () => {
  it("has the check value of the catalogues, whole or in pieces", () => {
    const bytes = new TextEncoder().encode("123456789");
    expect(crc32(bytes)).toBe(0xcbf43926);
    for (let at = 0; at <= bytes.length; at++) {
      expect(crc32(bytes.subarray(at), crc32(bytes.subarray(0, at)))).toBe(0xcbf43926);
    }
  });
});
