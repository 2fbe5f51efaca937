/** `/features/features.3/conv.1/Conv`: exporters end names with the operator, which says least. */
const operatorAtEnd = /\/[A-Z][A-Za-z]*$/;

/**
 * A long name cut in the middle, where names differ least: `layer3.…conv2`. An operator at its end goes first.
 * @param fits tells whether a text fits
 */
export function cutMiddle(text: string, fits: (text: string) => boolean): string {
  if (fits(text)) return text;
  const stem = text.replace(operatorAtEnd, "");
  if (stem !== text && stem !== "") return fits(`${stem}/…`) ? `${stem}/…` : cutMiddle(stem, fits);
  let [low, high] = [1, text.length - 1];
  let best = "…";
  while (low <= high) {
    const kept = (low + high) >> 1;
    // The end says more than the start: conv1 or conv2.
    const head = Math.floor(kept / 2);
    const cut = `${text.slice(0, head)}…${text.slice(text.length - (kept - head))}`;
    if (fits(cut)) {
      best = cut;
      low = kept + 1;
    } else high = kept - 1;
  }
  return best;
}
