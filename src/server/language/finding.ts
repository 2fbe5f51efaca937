import type { Span, SpanEdit } from "./textEdits.ts";

/** A change that takes a finding away. */
export interface Fix {
  /** Sentence case, in the imperative: `Raise latencyMs to 2.81`. */
  readonly title: string;
  readonly edits: readonly SpanEdit[];
  /** The plain remedy: what "Fix" does without asking. At most one of a finding's. */
  readonly preferred?: boolean;
}

/** Something wrong in a text, with its place and what can be done. */
export interface Finding extends Span {
  readonly code: `SQ${number}`;
  readonly slug: string;
  readonly severity: "error" | "warning" | "information";
  /** One sentence of what is wrong, a second of what to do. */
  readonly message: string;
  /** An editor that checks JSON against our schema says it too, at the same place. */
  readonly inSchema?: boolean;
  /** Computed when they are asked for; some need the solver. */
  readonly fixes?: () => readonly Fix[];
}
