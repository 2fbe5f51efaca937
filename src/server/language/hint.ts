/** A few words of computed figures beside a value. */
export interface Hint {
  /** Where in the text it stands: behind the value it is about. */
  readonly offset: number;
  /** At most 32 characters. */
  readonly label: string;
  /** Markdown. */
  readonly tooltip?: string;
}
