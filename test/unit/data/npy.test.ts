import { describe, expect, it } from "vitest";
import { maxArrayInMemory, openNpy } from "../../../src/core/data/npy.ts";
import { memorySource } from "../../../src/core/data/npz.ts";
import type { ByteSource, TensorData } from "../../../src/core/ports.ts";
import { bytesOf, countingSource, failure, npy, npyWithHeader } from "./support.ts";

const place = { file: "set.npy" };
const open = (bytes: Uint8Array) => openNpy(memorySource(bytes), place);
const fromHex = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));

async function values(bytes: Uint8Array): Promise<TensorData> {
  const array = await open(bytes);
  return (await array.rows(0, array.dims[0] ?? 1)).data;
}

describe("files that NumPy 2.4 wrote", () => {
  it("in Fortran order and big-endian are read in C order", async () => {
    const hex = `934e554d5059010076007b276465736372273a20273e6932272c2027666f727472616e5f6f72646572273a20547275652c20277368617065273a2028322c2033292c207d${"20".repeat(59)}0a000000030001000400020005`;
    const array = await open(fromHex(hex));
    expect(array).toMatchObject({ type: "int16", dims: [2, 3] });
    expect((await array.rows(0, 2)).data).toEqual(Int16Array.of(0, 1, 2, 3, 4, 5));
    expect((await array.rows(1, 1)).data).toEqual(Int16Array.of(3, 4, 5));
  });

  it("of no axis have one row", async () => {
    const hex = `934e554d5059010076007b276465736372273a20273c6634272c2027666f727472616e5f6f72646572273a2046616c73652c20277368617065273a2028292c207d${"20".repeat(62)}0a0000c03f`;
    const array = await open(fromHex(hex));
    expect(array.dims).toEqual([]);
    expect((await array.rows(0, 1)).data).toEqual(Float32Array.of(1.5));
  });

  it("of version 2 have a longer header length, and halves stay bit patterns", async () => {
    const hex = `934e554d50590200740000007b276465736372273a20273c6632272c2027666f727472616e5f6f72646572273a2046616c73652c20277368617065273a2028342c292c207d${"20".repeat(58)}0a0000003c00400042`;
    const array = await open(fromHex(hex));
    expect(array.type).toBe("float16");
    expect((await array.rows(0, 4)).data).toEqual(Uint16Array.of(0, 0x3c00, 0x4000, 0x4200));
  });
});

describe("element types", () => {
  const cases: readonly (readonly [string, string, Exclude<TensorData, readonly string[]>])[] = [
    ["<f4", "float32", Float32Array.of(1.5, -2)],
    ["<f8", "float64", Float64Array.of(0.1, 1e300)],
    ["|i1", "int8", Int8Array.of(-128, 127)],
    ["|u1", "uint8", Uint8Array.of(0, 255)],
    ["<i2", "int16", Int16Array.of(-32768, 1)],
    ["<u2", "uint16", Uint16Array.of(65535, 1)],
    ["<i4", "int32", Int32Array.of(-1, 2 ** 30)],
    ["<u4", "uint32", Uint32Array.of(2 ** 32 - 1, 0)],
    ["<i8", "int64", BigInt64Array.of(-(2n ** 63n), 7n)],
    ["<u8", "uint64", BigUint64Array.of(2n ** 64n - 1n, 7n)],
    ["|b1", "bool", Uint8Array.of(1, 0)],
  ];

  it.each(cases)("%s is %s, in either byte order", async (descr, type, data) => {
    const little = await open(npy(descr, "(2,)", bytesOf(data)));
    expect(little.type).toBe(type);
    expect((await little.rows(0, 2)).data).toEqual(data);
    const swapped = bytesOf(data).slice();
    for (let at = 0; at < swapped.length; at += data.BYTES_PER_ELEMENT) {
      swapped.subarray(at, at + data.BYTES_PER_ELEMENT).reverse();
    }
    expect(await values(npy(descr.replace(/^[<|]/, ">"), "(2,)", swapped))).toEqual(data);
  });

  it.each([
    ["|O", "pickled Python objects"],
    ["<U5", "text"],
    ["|S5", "text"],
    ["<c8", "complex numbers"],
    ["<M8[ns]", "dates"],
    ["|V2", "bfloat16"],
    ["<f16", "not supported"],
    ["__proto__", "not supported"],
  ])("%s is refused by name, never guessed", async (descr, said) => {
    const error = await failure(() => open(npy(descr, "(2,)", new Uint8Array(64))));
    expect(error.code).toBe("SQ4002");
    expect(error.message).toContain(said);
  });

  it("a record of several fields is refused by name", async () => {
    const text = "{'descr': [('a', '<f4'), ('b', '<i4')], 'fortran_order': False, 'shape': (1,), }";
    expect((await failure(() => open(npyWithHeader(text, new Uint8Array(8))))).message).toContain("several fields");
  });
});

describe("reading by rows", () => {
  it("reads only those rows", async () => {
    const bytes = npy("<f4", "(1000, 16)", new Uint8Array(64_000));
    const source = countingSource(bytes);
    const array = await openNpy(source, place);
    source.total = 0;
    await array.rows(500, 2);
    expect(source.total).toBe(128);
  });

  it("of rank 3 in Fortran order gives what C order gives", async () => {
    const [a, b, c] = [2, 3, 4];
    const plain = Uint8Array.from({ length: a * b * c }, (_, index) => index);
    const fortran = new Uint8Array(plain.length);
    for (let i = 0; i < a; i++) {
      for (let j = 0; j < b; j++) {
        for (let k = 0; k < c; k++) fortran[i + a * (j + b * k)] = plain[(i * b + j) * c + k] as number;
      }
    }
    expect(await values(npy("|u1", "(2, 3, 4)", fortran, { fortran: true }))).toEqual(plain);
  });

  it("looks at the signal", async () => {
    const array = await open(npy("|u1", "(2,)", Uint8Array.of(1, 2)));
    await expect(array.rows(0, 1, AbortSignal.abort(new Error("stopped")))).rejects.toThrow("stopped");
  });
});

describe("hostile and broken files", () => {
  const data = new Uint8Array(24);

  it.each([
    ["is something else", new TextEncoder().encode("PK no array at all, but long enough")],
    ["is empty", new Uint8Array(0)],
    ["has an unknown version", npyWithHeader("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", data, 4)],
    ["ends within its header", npy("<f4", "(1,)", data).slice(0, 60)],
    ["has no dictionary", npyWithHeader("[1, 2, 3]", data)],
    ["lacks the shape", npyWithHeader("{'descr': '<f4', 'fortran_order': False, }", data)],
    ["has a field twice", npyWithHeader("{'descr': '<f4', 'descr': '<f4', 'shape': (1,), }", data)],
    ["has a field that none has", npyWithHeader("{'descr': '<f4', 'shape': (1,), 'x': True, }", data)],
    [
      "has code for a header",
      npyWithHeader("{'descr': __import__('os'), 'fortran_order': False, 'shape': (1,)}", data),
    ],
    ["has a negative shape", npy("<f4", "(-1,)", data)],
    ["has a fraction for a shape", npy("<f4", "(1.5,)", data)],
    ["has 17 axes", npy("<f4", `(${"1, ".repeat(17)})`, data)],
    ["claims more than any file holds", npy("<f8", "(9007199254740991, 9007199254740991)", data)],
  ])("a file that %s is SQ4001", async (_, bytes) => {
    expect((await failure(() => open(bytes))).code).toBe("SQ4001");
  });

  it("a version 2 file that claims a header of 4 GiB is refused before it is read", async () => {
    const bytes = npy("<f4", "(1,)", data, { version: 2 });
    new DataView(bytes.buffer).setUint32(8, 0xffffffff, true);
    const source = countingSource(bytes);
    expect((await failure(() => openNpy(source, place))).message).toContain("4294967295");
    expect(source.total).toBeLessThanOrEqual(bytes.length);
  });

  it("a file shorter than its shape says is SQ4003, with both numbers", async () => {
    const error = await failure(() => open(npy("<f4", "(100, 100)", data)));
    expect(error.code).toBe("SQ4003");
    expect(error.message).toMatch(/40000 bytes, but 24 are there/);
  });

  it("Fortran order of more than 2 GiB is refused before memory is taken", async () => {
    const head = npy("|u1", `(${maxArrayInMemory + 1}, 1)`, new Uint8Array(0), { fortran: true });
    const source: ByteSource = {
      size: head.length + maxArrayInMemory + 1,
      read: async (at, length) => head.subarray(at, at + length),
    };
    const array = await openNpy(source, place);
    const error = await failure(() => array.rows(0, 1));
    expect(error.code).toBe("SQ4004");
    expect(error.remedy).toContain("ascontiguousarray");
  });
});
