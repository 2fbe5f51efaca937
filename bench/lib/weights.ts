/** Bell-shaped, reproducible: the sum of four uniform numbers of a linear congruential generator. */
export function bellShaped(length: number): Float32Array {
  let state = 1;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  return Float32Array.from({ length }, () => uniform() + uniform() + uniform() + uniform());
}
