/** The licences of what is bundled: most ask that their text goes along. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { root } from "./run.mjs";

/**
 * @param {import("esbuild").Metafile} metafile of the bundles
 * @param {(output: string) => boolean} ships whether a bundle goes into the package
 * @param {readonly string[]} more packages that go along unbundled
 * @returns {string} one section for each package: name, version, licence and its text
 */
export function thirdPartyNotices(metafile, ships, more) {
  const bundled = Object.entries(metafile.outputs)
    .filter(([output]) => ships(output))
    .flatMap(([, { inputs }]) => Object.keys(inputs))
    .flatMap((file) => packageOf(file) ?? []);
  const packages = [...new Set([...bundled, ...more.map((name) => `node_modules/${name}`)])].sort();
  const sections = packages.map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(path.join(root, folder, "package.json"), "utf8"));
    return `${name} ${version} (${license})\n\n${licenseText(folder)}`.trimEnd();
  });
  const rule = `\n\n${"-".repeat(80)}\n\n`;
  return `SigmaQuant contains the packages below, each under its own licence.${rule}${sections.join(rule)}\n`;
}

/** @param {string} file as esbuild names it @returns {string | undefined} the folder of its package, where it is of one */
function packageOf(file) {
  const match = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file);
  return match?.[1];
}

/** Of the package and of what it was made from (codec/LICENSE...). @param {string} folder @returns {string} */
function licenseText(folder) {
  const full = path.join(root, folder);
  const all = existsSync(full) ? readdirSync(full, { recursive: true, encoding: "utf8" }) : [];
  const files = all.filter(
    (file) => /^(licen[cs]e|copying|notice)/i.test(path.basename(file)) && !file.includes("node_modules"),
  );
  return files.map((file) => readFileSync(path.join(full, file), "utf8").trim()).join("\n\n");
}
