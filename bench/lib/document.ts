const begin = "<!-- figures: written by `npm run bench -- --write` -->";
const end = "<!-- end of figures -->";

/**
 * A document with what stands between its two marks replaced; the text around them stays.
 * @throws when the marks are not there, once each and in order
 */
export function withFigures(document: string, figures: string): string {
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from < 0 || to < from || document.lastIndexOf(begin) !== from || document.lastIndexOf(end) !== to) {
    throw new Error(`The document needs one line ${begin} and below it one line ${end}`);
  }
  return `${document.slice(0, from + begin.length)}\n\n${figures}\n\n${document.slice(to)}`;
}
