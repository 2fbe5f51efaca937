import { describe, expect, it } from "vitest";
import { json, sigmaquant, useProgram, workspace } from "./support.ts";

useProgram();

interface Result {
  readonly evaluation: { readonly kl: number };
  readonly notes: readonly string[];
}

describe("--recovery", () => {
  it("is on unless it is switched off: what the written 3-bit model gives is then far nearer to float", async () => {
    const work = await workspace();
    const written = async (...more: readonly string[]) => {
      const args = ["quantize", work.model, "--calibration", work.calibration, "--evaluation", work.evaluation];
      const rest = ["--strategy", "uniform:3", "--samples", "64", "--weights-only"];
      const { value } = await json<Result>([...args, ...rest, ...more]);
      return { kl: value.evaluation.kl, notes: value.notes.join(" ") };
    };
    const recovered = await written();
    expect(recovered.notes).toContain("in sequence");
    const rounded = await written("--recovery", "none");
    expect(rounded.notes).not.toContain("in sequence");
    expect(recovered.kl).toBeLessThan(rounded.kl / 10);
    const partly = await written("--recovery", "clip,bias");
    expect(partly.kl).toBeGreaterThan(recovered.kl);
    expect(partly.kl).toBeLessThan(rounded.kl);
  });

  it("names the methods when one is misspelt", async () => {
    const work = await workspace();
    const { code, stderr } = await sigmaquant(["quantize", work.model, "--recovery", "gtpq"]);
    expect(code).toBe(2);
    expect(stderr).toContain("SQ1033");
    expect(stderr).toMatch(/gptq/);
  });
});
