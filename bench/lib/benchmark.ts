/** One figure of a benchmark: a line of the table. */
export interface Row {
  /** What was measured, with its size. */
  readonly what: string;
  /** What it is held to. */
  readonly bar: string;
  readonly measured: string;
  readonly met: boolean;
}

/** Says what is not in the table: the figures of single layers, sizes, runs. */
export type Detail = (text: string) => void;

/** Measures, and gives a row for each bar that it is held to. */
export type Benchmark = (detail: Detail) => Promise<readonly Row[]>;
