/** Digits that tell any two float32 numbers apart. */
const float32Digits = 9;

/** A float32 number in as few digits as give it back, always recognizable as no integer: `0.1`, `1.0`, `1e-7`, `-inf`. */
export function float32Text(value: number): string {
  if (!Number.isFinite(value)) return float64Text(value);
  for (let digits = 1; digits < float32Digits; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return float64Text(Object.is(value, -0) ? -0 : short);
  }
  return float64Text(Number(value.toPrecision(float32Digits)));
}

export function float64Text(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value < 0 ? "-inf" : "inf";
  const text = Object.is(value, -0) ? "-0" : String(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}
