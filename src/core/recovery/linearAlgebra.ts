import { sharedDoubles } from "../compute/shared.ts";

/**
 * Cholesky factor of a symmetric positive definite matrix, in place: the lower triangle becomes L with A = L L^T, what is above
 * is left as it was.
 * @param a row-major [n, n]
 * @returns false when a pivot is not positive: A is not positive definite
 */
export function cholesky(a: Float64Array, n: number): boolean {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j] as number;
      const rowI = i * n;
      const rowJ = j * n;
      for (let k = 0; k < j; k++) sum -= (a[rowI + k] as number) * (a[rowJ + k] as number);
      if (i === j) {
        if (!(sum > 0)) return false;
        a[rowI + i] = Math.sqrt(sum);
      } else {
        a[rowI + j] = sum / (a[rowJ + j] as number);
      }
    }
  }
  return true;
}

/** A lower triangular matrix's inverse, in place. */
export function invertLower(l: Float64Array, n: number): void {
  // Column by column of the inverse, rows contiguous: X[i, :] = (e_i - sum over k < i of L[i, k] X[k, :]) / L[i, i].
  for (let i = 0; i < n; i++) {
    const diagonal = 1 / (l[i * n + i] as number);
    const row = new Float64Array(i + 1);
    for (let k = 0; k < i; k++) {
      const factor = l[i * n + k] as number;
      if (factor === 0) continue;
      for (let j = 0; j <= k; j++) row[j] = (row[j] as number) - factor * (l[k * n + j] as number);
    }
    for (let j = 0; j < i; j++) l[i * n + j] = (row[j] as number) * diagonal;
    l[i * n + i] = diagonal;
  }
}

/**
 * The upper Cholesky factor of the inverse: U with A^-1 = U^T U, which GPTQ's sweep reads row by row. With J reversing the order
 * of rows, J A J = L L^T gives A^-1 = (J L^-T J)(J L^-1 J) and U = J L^-1 J.
 * @param a symmetric positive definite, row-major [n, n]; left as it is
 * @returns in memory that threads share; undefined when A is not positive definite
 */
export function inverseUpperFactor(a: Float64Array, n: number): Float64Array | undefined {
  const reversed = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) reversed[i * n + j] = a[(n - 1 - i) * n + (n - 1 - j)] as number;
  }
  if (!cholesky(reversed, n)) return undefined;
  invertLower(reversed, n);
  const upper = sharedDoubles(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = i; j < n; j++) upper[i * n + j] = reversed[(n - 1 - i) * n + (n - 1 - j)] as number;
  }
  return upper;
}
