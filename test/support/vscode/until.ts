/** How often to look again. */
const pollMs = 100;

/** Looks until there is something other than false and undefined, and returns it. @throws after the time given */
export async function until<T>(
  look: () => T | false | undefined | Promise<T | false | undefined>,
  timeoutMs = 20_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== false && found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs / 1000} s in vain for: ${look.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}
