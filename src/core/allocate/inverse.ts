/** A pivot below this (columns are scaled to about 1) means that the rows depend on each other. */
const smallestPivot = 1e-13;

/**
 * Inverts a small square matrix by Gauss-Jordan elimination with partial pivoting.
 *
 * @param work n rows of 2 n: the matrix on the left; the right half is overwritten. At the end the right half is the
 *   inverse
 * @returns false when the matrix is singular
 */
export function invertInPlace(work: Float64Array, n: number): boolean {
  const width = 2 * n;
  for (let r = 0; r < n; r++) for (let c = 0; c < n; c++) work[r * width + n + c] = r === c ? 1 : 0;
  for (let c = 0; c < n; c++) {
    let pivot = c;
    for (let r = c + 1; r < n; r++) {
      if (Math.abs(work[r * width + c] as number) > Math.abs(work[pivot * width + c] as number)) pivot = r;
    }
    const size = work[pivot * width + c] as number;
    if (!(Math.abs(size) > smallestPivot)) return false;
    for (let i = c; i < width; i++) {
      const held = work[c * width + i] as number;
      work[c * width + i] = (work[pivot * width + i] as number) / size;
      if (pivot !== c) work[pivot * width + i] = held;
    }
    for (let r = 0; r < n; r++) {
      const factor = work[r * width + c] as number;
      if (r === c || factor === 0) continue;
      for (let i = c; i < width; i++) {
        work[r * width + i] = (work[r * width + i] as number) - factor * (work[c * width + i] as number);
      }
    }
  }
  return true;
}
