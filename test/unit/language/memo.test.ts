import { describe, expect, it, vi } from "vitest";
import type { DeviceFit } from "../../../src/core/pipeline/deviceFit.ts";
import { cachedFit } from "../../../src/server/language/fitCache.ts";
import { Memo } from "../../../src/server/language/memo.ts";
import { Recent } from "../../../src/server/language/recent.ts";

describe("a value made from parts", () => {
  it("is made anew only when a part is another one", () => {
    const memo = new Memo<object>();
    const part = {};
    const first = memo.get("a", [part, 1], () => ({}));
    expect(memo.get("a", [part, 1], () => ({}))).toBe(first);
    expect(memo.get("a", [{}, 1], () => ({}))).not.toBe(first);
    expect(memo.get("b", [part, 1], () => ({}))).not.toBe(first);
  });

  it("is kept to be looked at, until it is forgotten with all of its document", () => {
    const memo = new Memo<number>();
    memo.get("doc\nmodel", [1], () => 7);
    expect(memo.last("doc\nmodel")).toBe(7);
    memo.forget("doc");
    expect(memo.last("doc\nmodel")).toBeUndefined();
  });
});

describe("an answer of the file system", () => {
  it("is asked for again when files changed, or after a moment, and when it failed", async () => {
    vi.useFakeTimers();
    try {
      const recent = new Recent<number>();
      let asked = 0;
      const look = async () => ++asked;
      expect(await recent.get("a", 1, look)).toBe(1);
      expect(await recent.get("a", 1, look)).toBe(1);
      expect(await recent.get("a", 2, look)).toBe(2);
      vi.advanceTimersByTime(1500);
      expect(await recent.get("a", 2, look)).toBe(3);
      await expect(recent.get("b", 1, () => Promise.reject(new Error("gone")))).rejects.toThrow("gone");
      expect(await recent.get("b", 1, look)).toBe(4);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("a model's costs on a device", () => {
  it("are computed once for the same pins", () => {
    const [prepared, profile] = [{}, {}] as never[] as [never, never];
    const make = () => ({}) as DeviceFit;
    const first = cachedFit(prepared, profile, [new Map([["a", 4]])], make);
    expect(cachedFit(prepared, profile, [new Map([["a", 4]])], make)).toBe(first);
    expect(cachedFit(prepared, profile, [new Map([["a", 8]])], make)).not.toBe(first);
    expect(cachedFit(prepared, {} as never, [new Map([["a", 8]])], make)).not.toBe(first);
  });
});
