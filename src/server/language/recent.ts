/**
 * What was looked up on disk a moment ago is taken as it was: a key pressed asks for it several times over, and on a busy machine
 * each look takes its time. Short enough that a change which nobody tells of (outside of the workspace) is seen soon.
 */
const recentMs = 1000;

/** Answers of the file system, each kept for a moment, or until files are known to have changed. */
export class Recent<T> {
  private readonly kept = new Map<
    string,
    { readonly epoch: unknown; readonly at: number; readonly value: Promise<T> }
  >();

  /** @param epoch another one whenever files changed */
  get(name: string, epoch: unknown, look: () => Promise<T>): Promise<T> {
    const known = this.kept.get(name);
    if (known && known.epoch === epoch && performance.now() - known.at < recentMs) return known.value;
    const value = look();
    this.kept.set(name, { epoch, at: performance.now(), value });
    value.catch(() => this.kept.delete(name));
    return value;
  }
}
