/**
 * The README as it goes into a package. An editor shows no picture out of an installed extension's folder, and without an address of
 * the repository there is none to be given in its place.
 * @param {string} readme
 * @returns {string} without its pictures, and without the empty lines that they would leave
 */
export function packagedReadme(readme) {
  return readme
    .replaceAll(/<picture>[\s\S]*?<\/picture>\n?/g, "")
    .replaceAll(/^!\[[^\]]*\]\([^)]*\)\n?/gm, "")
    .replaceAll(/\n{3,}/g, "\n\n");
}
