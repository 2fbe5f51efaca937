import { describe, expect, it } from "vitest";
import { defaultRecovery, parseRecovery, recoveryMethods } from "../../../src/core/recovery/methods.ts";
import { failure } from "../data/support.ts";

describe("recovery as it is written", () => {
  it("knows default, none and every method", () => {
    expect(parseRecovery("default")).toEqual(defaultRecovery);
    expect(parseRecovery(" none ").size).toBe(0);
    for (const method of recoveryMethods) expect([...parseRecovery(method)]).toEqual([method]);
    expect([...parseRecovery("gptq, clip,bias ,gptq")]).toEqual(["clip", "bias", "gptq"]);
  });

  it.each(["", "gtpq", "clip,,bias", "none,clip", "default,clip", "GPTQ"])(
    "refuses %j and names the methods",
    async (text) => {
      const error = await failure(() => parseRecovery(text));
      expect(error).toMatchObject({ code: "SQ1033", slug: "unknown-recovery" });
      expect(error.remedy).toContain("clip");
      expect(error.remedy).toContain("gptq");
    },
  );
});
