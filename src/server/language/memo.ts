/** Values by name, each made anew only when a part of its key is another one than last time. */
export class Memo<T> {
  private readonly kept = new Map<string, { readonly key: readonly unknown[]; readonly value: T }>();

  get(name: string, key: readonly unknown[], make: () => T): T {
    const kept = this.kept.get(name);
    if (kept && kept.key.length === key.length && kept.key.every((part, i) => Object.is(part, key[i])))
      return kept.value;
    const value = make();
    this.kept.set(name, { key, value });
    return value;
  }

  /** The last value, whatever its key. */
  last(name: string): T | undefined {
    return this.kept.get(name)?.value;
  }

  /** Forgets all values whose names start so. */
  forget(prefix: string): void {
    for (const name of [...this.kept.keys()]) if (name.startsWith(prefix)) this.kept.delete(name);
  }
}
