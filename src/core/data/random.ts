/** Numbers that are the same on every machine for the same seed. */
export interface Random {
  /** Uniform in [0, 1), 32 bits. */
  next(): number;
  /** Uniform integer in [0, bound). */
  below(bound: number): number;
  /** Standard normal. */
  gaussian(): number;
}

/** 2^32 over the golden ratio: the usual step of a Weyl sequence, whose bits look like nothing. */
const weylStep = 0x9e3779b9;

/**
 * xoshiro128** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021), its state filled by a
 * Weyl sequence through the murmur3 finalizer so that neighbouring seeds have unrelated streams.
 * @param seeds any 32-bit integers; each list of them is its own stream
 */
export function random(...seeds: readonly number[]): Random {
  let weyl = 0;
  const fill = () => {
    weyl = (weyl + weylStep) | 0;
    return finalize(weyl);
  };
  // A step before each seed: without it a leading 0 would change nothing.
  for (const seed of seeds) weyl = finalize((weyl + weylStep) ^ seed);
  let a = fill();
  let b = fill();
  let c = fill();
  let d = fill();
  const rotate = (word: number, by: number) => (word << by) | (word >>> (32 - by));
  const word = () => {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotate(d, 11);
    return result;
  };
  let spare: number | undefined;
  const next = () => word() / 2 ** 32;
  return {
    next,
    below: (bound) => Math.floor(next() * bound),
    gaussian: () => {
      if (spare !== undefined) {
        const value = spare;
        spare = undefined;
        return value;
      }
      // Box-Muller: two uniforms make two independent normals. 1 - u keeps the logarithm finite.
      const radius = Math.sqrt(-2 * Math.log(1 - next()));
      const angle = 2 * Math.PI * next();
      spare = radius * Math.sin(angle);
      return radius * Math.cos(angle);
    },
  };
}

function finalize(word: number): number {
  let mixed = word ^ (word >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
