import type { Random } from "../../../src/core/data/random.ts";

/** A kind of file that the program is given, with what it does with one. */
export interface Kind {
  readonly name: string;
  /** Of a hundred cases. */
  readonly share: number;
  /** Memory that the process may have for it, with all that Node and other cases left there. */
  readonly memoryMiB: number;
  open(): Promise<OpenKind>;
}

export interface OpenKind {
  /** A mutated file: the same for the same dice. */
  make(dice: Random): Uint8Array;
  /** All that the program does with such a file. @throws SigmaQuantError, and nothing else, for one that it does not take */
  use(bytes: Uint8Array): Promise<void>;
  close?(): void;
}
