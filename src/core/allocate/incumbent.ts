/** The best choice met so far, judged in the problem's own numbers rather than in the search's scaled ones. */
export class Incumbent {
  /** One choice per group; undefined as long as none was good enough. */
  choice: readonly number[] | undefined;
  value = Number.POSITIVE_INFINITY;

  /** @param worth value of a choice, the less the better; undefined if it doesn't count */
  constructor(private readonly worth: (choice: readonly number[]) => number | undefined) {}

  /** Takes the choice if it is better than the best; tells whether it was. */
  offer(choice: readonly number[]): boolean {
    const value = this.worth(choice);
    if (value === undefined || value >= this.value) return false;
    this.choice = choice;
    this.value = value;
    return true;
  }
}
