import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import {
  atomicWrite,
  atomicWriteAll,
  fileHash,
  openFileSource,
  readText,
  writeTextAtomic,
} from "../../../src/node/files.ts";
import { failure } from "../../unit/data/support.ts";
import { bundle, listed, ordinaryUser, start, tempFolder } from "./support.ts";

/** A file that was last changed long ago, so that any change shows in its time. */
function oldFile(file: string, content: string): void {
  writeFileSync(file, content);
  utimesSync(file, 1e9, 1e9);
}

describe("a file as a source", () => {
  it("gives exactly the bytes asked for, at any place", async () => {
    const file = path.join(tempFolder(), "a");
    writeFileSync(file, "0123456789");
    const source = await openFileSource(file);
    expect(source.size).toBe(10);
    const text = async (at: number, length: number) => new TextDecoder().decode(await source.read(at, length));
    expect(await Promise.all([text(7, 3), text(0, 2), text(4, 0), text(10, 0), text(0, 10)])).toEqual([
      "789",
      "01",
      "",
      "",
      "0123456789",
    ]);
    for (const [at, length] of [
      [8, 3],
      [-1, 2],
      [0, -1],
      [11, 0],
    ] as const) {
      await expect(source.read(at, length)).rejects.toThrow(RangeError);
    }
    await source.close();
    await source.close();
    await expect(source.read(0, 1)).rejects.toThrow();
  });

  it("can have more than 4 GiB", async () => {
    const file = path.join(tempFolder(), "large");
    const at = 4 * 2 ** 30 + 12_345;
    const handle = await open(file, "w");
    await handle.write("here", at);
    await handle.close();
    const source = await openFileSource(file);
    expect(source.size).toBe(at + 4);
    expect(new TextDecoder().decode(await source.read(at, 4))).toBe("here");
    expect(await source.read(at - 8, 8)).toEqual(new Uint8Array(8));
    await source.close();
  });

  it.each([
    ["cut", (file: string) => truncateSync(file, 4)],
    ["appended to", (file: string) => appendFileSync(file, "x")],
    ["written over in its length", (file: string) => writeFileSync(file, "9876543210")],
    [
      "replaced by another",
      (file: string) => {
        writeFileSync(`${file}.new`, "9876543210");
        renameSync(`${file}.new`, file);
      },
    ],
  ])("that is %s while it is read ends in SQ1005", async (_, change) => {
    const file = path.join(tempFolder(), "a");
    oldFile(file, "0123456789");
    const source = await openFileSource(file);
    await source.read(0, 5);
    change(file);
    expect((await failure(() => source.read(5, 5))).code).toBe("SQ1005");
    await source.close();
  });

  it("that is deleted while it is read can be read to its end", async () => {
    const file = path.join(tempFolder(), "a");
    oldFile(file, "0123456789");
    const source = await openFileSource(file);
    rmSync(file);
    expect((await source.read(5, 5)).length).toBe(5);
    await source.close();
  });

  it("has to be a file that is there, else the error says what it is", async () => {
    const folder = tempFolder();
    writeFileSync(path.join(folder, "file"), "");
    execFileSync("mkfifo", [path.join(folder, "pipe")]);
    symlinkSync("circle", path.join(folder, "circle"));
    for (const [name, code] of [
      ["missing", "SQ1001"],
      ["file/below", "SQ1001"],
      [".", "SQ1003"],
      ["pipe", "SQ1004"],
      ["a\0b", "SQ1008"],
      ["x".repeat(300), "SQ1008"],
      ["circle", "SQ1008"],
    ] as const) {
      const error = await failure(() => openFileSource(path.join(folder, name)));
      expect([name, error.code]).toEqual([name, code]);
      expect(error.remedy).not.toBe("");
    }
  });

  it("that this user may not read is SQ1002", async () => {
    const folder = tempFolder();
    const secret = path.join(folder, "secret");
    writeFileSync(secret, "x", { mode: 0o000 });
    expect(await codeOf(`openFileSource(${JSON.stringify(secret)})`, folder)).toBe("SQ1002");
  });
});

describe("a file's hash", () => {
  it("is the SHA-256 of its bytes, however many", async () => {
    const folder = tempFolder();
    for (const size of [0, 1, 4 * 2 ** 20, 9_000_001]) {
      const file = path.join(folder, String(size));
      const content = Buffer.alloc(size, "abcdefg");
      writeFileSync(file, content);
      expect(await fileHash(file)).toBe(createHash("sha256").update(content).digest("hex"));
    }
  });

  it("stops at a signal", async () => {
    const file = path.join(tempFolder(), "a");
    writeFileSync(file, "x");
    await expect(fileHash(file, AbortSignal.abort(new Error("stopped")))).rejects.toThrow("stopped");
  });
});

describe("a text", () => {
  it("is read as UTF-8, without its byte order mark", async () => {
    const file = path.join(tempFolder(), "a.json");
    writeFileSync(file, "\ufeff{ }ä");
    expect(await readText(file)).toBe("{ }ä");
  });

  it("far longer than any real one is SQ1007", async () => {
    const file = path.join(tempFolder(), "a.json");
    writeFileSync(file, "");
    truncateSync(file, 33 * 2 ** 20);
    expect((await failure(() => readText(file))).code).toBe("SQ1007");
  });
});

describe("a file written whole or not at all", () => {
  const bytes = (text: string) => new TextEncoder().encode(text);

  it("is there when all is written, and nothing else is", async () => {
    const folder = tempFolder();
    const file = path.join(folder, "a");
    writeFileSync(file, "old");
    const returned = await atomicWrite(file, async (sink) => {
      await sink.write(bytes("new "));
      expect(readFileSync(file, "utf8")).toBe("old");
      await sink.write(bytes("content"));
      return 42;
    });
    expect(returned).toBe(42);
    expect(readFileSync(file, "utf8")).toBe("new content");
    await writeTextAtomic(path.join(folder, "b"), "ä");
    expect(readFileSync(path.join(folder, "b"), "utf8")).toBe("ä");
    expect(listed(folder)).toEqual(["a", "b"]);
  });

  it("has its pieces in the order they were given, even if nobody waited", async () => {
    const file = path.join(tempFolder(), "a");
    const pieces = Array.from({ length: 50 }, (_, index) => `${index};`.repeat(1 + (index % 5) * 1000));
    await atomicWrite(file, (sink) => Promise.all(pieces.map((piece) => sink.write(bytes(piece)))));
    expect(readFileSync(file, "utf8")).toBe(pieces.join(""));
  });

  it("leaves what was there, and nothing of its own, when writing fails", async () => {
    const folder = tempFolder();
    const file = path.join(folder, "a");
    writeFileSync(file, "old");
    const work = atomicWrite(file, async (sink) => {
      await sink.write(bytes("half"));
      throw new Error("no weights");
    });
    await expect(work).rejects.toThrow("no weights");
    expect(readFileSync(file, "utf8")).toBe("old");
    expect(listed(folder)).toEqual(["a"]);
  });

  it.each(["before it begins", "between two pieces", "after the last piece"])(
    "so too when it is stopped %s",
    async (when) => {
      const folder = tempFolder();
      const file = path.join(folder, "a");
      const stop = new AbortController();
      if (when === "before it begins") stop.abort(new Error("stopped"));
      const work = atomicWrite(
        file,
        async (sink) => {
          await sink.write(bytes("1"));
          stop.abort(new Error("stopped"));
          if (when === "between two pieces") await sink.write(bytes("2"));
        },
        stop.signal,
      );
      await expect(work).rejects.toThrow("stopped");
      expect(listed(folder)).toEqual([]);
    },
  );

  it("keeps the old file's rights, and writes behind a link", async () => {
    const folder = tempFolder();
    mkdirSync(path.join(folder, "real"));
    const real = path.join(folder, "real", "a");
    writeFileSync(real, "old");
    chmodSync(real, 0o640);
    symlinkSync(path.join("real", "a"), path.join(folder, "link"));
    await writeTextAtomic(path.join(folder, "link"), "new");
    expect(lstatSync(path.join(folder, "link")).isSymbolicLink()).toBe(true);
    expect(readFileSync(real, "utf8")).toBe("new");
    expect(statSync(real).mode & 0o777).toBe(0o640);
  });

  it("says beforehand where it can't be written", async () => {
    const folder = tempFolder();
    for (const [target, code] of [
      [path.join(folder, "missing", "a"), "SQ1012"],
      [folder, "SQ1003"],
      ["/dev/null", "SQ1004"],
      [path.join(folder, "x".repeat(300)), "SQ1008"],
    ] as const) {
      let asked = false;
      const error = await failure(() =>
        atomicWrite(target, async () => {
          asked = true;
        }),
      );
      expect([target, error.code, asked]).toEqual([target, code, false]);
    }
    const shut = path.join(folder, "shut");
    mkdirSync(shut, { mode: 0o555 });
    expect(await codeOf(`writeTextAtomic(${JSON.stringify(path.join(shut, "a"))}, "x")`, folder)).toBe("SQ1010");
    const readOnly = path.join(folder, "read-only");
    writeFileSync(readOnly, "precious", { mode: 0o444 });
    chmodSync(folder, 0o777);
    expect(await codeOf(`writeTextAtomic(${JSON.stringify(readOnly)}, "x")`, folder)).toBe("SQ1010");
    expect(readFileSync(readOnly, "utf8")).toBe("precious");
  });

  it("that finds no room is SQ1011, and what was half written is gone", async () => {
    const folder = tempFolder();
    const file = path.join(folder, "a");
    const { file: program } = await bundle(
      `import { atomicWrite } from "./src/node/files.ts";
      const work = atomicWrite(${JSON.stringify(file)}, async (sink) => {
        for (let i = 0; i < 100; i++) await sink.write(new Uint8Array(65536));
      });
      work.then(() => console.log("written"), (error) => console.log(error.describe()));`,
      tempFolder(),
    );
    // A limit on the size of files ends in EFBIG, which stands for a full disk here: that one needs a disk to fill.
    const { stdout } = await start("bash", ["-c", `ulimit -f 1024; exec "${process.execPath}" "${program}"`]).ended;
    expect(stdout).toContain("[SQ1011 disk-full]");
    expect(listed(folder)).toEqual([]);
  });

  it("leaves nothing when the process is interrupted, if the signal's owner stops it", async () => {
    const folder = tempFolder();
    const { file: program } = await bundle(
      `import { atomicWrite } from "./src/node/files.ts";
      const stop = new AbortController();
      process.once("SIGINT", () => stop.abort());
      const work = atomicWrite(${JSON.stringify(path.join(folder, "a"))}, async (sink) => {
        for (;;) {
          await sink.write(new Uint8Array(1000));
          console.log("writing");
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      }, stop.signal);
      work.catch((error) => { console.log(error.name); process.exitCode = 130; });`,
      tempFolder(),
    );
    const { child, ended, said } = start(process.execPath, [program]);
    await said("writing");
    expect(listed(folder)).toHaveLength(1);
    child.kill("SIGINT");
    expect(await ended).toMatchObject({ status: 130, stdout: expect.stringContaining("AbortError") });
    expect(listed(folder)).toEqual([]);
  });

  describe("with others", () => {
    it("appears with them", async () => {
      const folder = tempFolder();
      const [model, data] = [path.join(folder, "m.onnx"), path.join(folder, "m.data")];
      await atomicWriteAll([model, data], async ([first, second]) => {
        await second?.write(bytes("weights"));
        await first?.write(bytes("graph"));
        expect(existsSync(model) || existsSync(data)).toBe(false);
      });
      expect([readFileSync(model, "utf8"), readFileSync(data, "utf8")]).toEqual(["graph", "weights"]);
      expect(listed(folder)).toEqual(["m.data", "m.onnx"]);
    });

    it.each([true, false])("puts them back when one can't take its place (there before: %s)", async (before) => {
      const folder = tempFolder();
      const [model, data] = [path.join(folder, "m.onnx"), path.join(folder, "m.data")];
      if (before) writeFileSync(model, "old graph");
      const error = await failure(() =>
        atomicWriteAll([model, data], async (sinks) => {
          for (const sink of sinks) await sink.write(bytes("new"));
          mkdirSync(data);
        }),
      );
      expect(error.code).toBe("SQ1003");
      expect(error.place.file).toBe(data);
      expect(existsSync(model) && readFileSync(model, "utf8")).toBe(before && "old graph");
      expect(listed(folder)).toEqual(before ? ["m.data", "m.onnx"] : ["m.data"]);
    });
  });
});

/** Code of the error that a call of src/node/files.ts ends in for a user without rights. */
async function codeOf(call: string, folder: string): Promise<string> {
  const { file } = await bundle(
    `import { openFileSource, writeTextAtomic } from "./src/node/files.ts";
    void [openFileSource, writeTextAtomic];
    ${call}.then(() => console.log("done"), (error) => console.log(error.code ?? error.stack));`,
    folder,
  );
  const { stdout, stderr } = await start(process.execPath, [file], ordinaryUser).ended;
  rmSync(file);
  return stdout.trim() || stderr;
}
