/** How often to look again. */
const pollMs = 100;
/** When to give up: a machine that is busy with other things takes many times as long as one that is not. */
const patienceMs = 60_000;

/** Looks until there is something other than false and undefined, and returns it. @throws after the time given */
export async function until<T>(
  look: () => T | false | undefined | Promise<T | false | undefined>,
  timeoutMs = patienceMs,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== false && found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs / 1000} s in vain for: ${look.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}
