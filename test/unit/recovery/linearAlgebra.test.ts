import { describe, expect, it } from "vitest";
import { cholesky, inverseUpperFactor } from "../../../src/core/recovery/linearAlgebra.ts";
import { noise } from "../../support/tinyModel.ts";
import { gramOf } from "./support.ts";

describe("the upper factor of an inverse", () => {
  it.each([1, 2, 7, 40])("times its transpose and the matrix gives the identity: %d columns", (n) => {
    const a = gramOf(noise(n * 3 * n, n), n, 3 * n);
    const u = inverseUpperFactor(a, n) as Float64Array;
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        // (U^T U A)[i, j]
        let sum = 0;
        for (let k = 0; k < n; k++) {
          let inverse = 0;
          for (let m = 0; m <= Math.min(i, k); m++) inverse += (u[m * n + i] as number) * (u[m * n + k] as number);
          sum += inverse * (a[k * n + j] as number);
        }
        expect(Math.abs(sum - (i === j ? 1 : 0))).toBeLessThan(1e-8);
        if (j < i) expect(u[i * n + j]).toBe(0);
      }
    }
  });

  it("does not exist where the matrix is not positive definite", () => {
    expect(inverseUpperFactor(Float64Array.of(1, 2, 2, 1), 2)).toBeUndefined();
    expect(inverseUpperFactor(Float64Array.of(1, 1, 1, 1), 2)).toBeUndefined();
    expect(cholesky(Float64Array.of(Number.NaN), 1)).toBe(false);
  });
});
