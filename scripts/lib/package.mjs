/**
 * Packages the extension: one .vsix for each platform, as ONNX Runtime's binaries are native and all platforms' together are 290 MB,
 * and one without them for everyone else. What goes in is laid out in a folder of its own, so that neither dist/ nor what else lies
 * in node_modules matters, and npm is not asked.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { buildAll } from "../../esbuild.mjs";
import { packagedReadme } from "./packagedReadme.mjs";
import { root, runNode } from "./run.mjs";
import { platforms, runtimeFiles } from "./runtimeFiles.mjs";
import { thirdPartyNotices } from "./thirdParty.mjs";

/** The package for all platforms that have none of their own. */
export const universal = "universal";

/** Every package there is. */
export const targets = Object.freeze([...platforms, universal]);

/** What a package may weigh. Half of it is ONNX Runtime; more means that something got in by mistake. */
export const maxPackageBytes = 25_000_000;

/** Of package.json, what is for this repository and not for the editor. */
const ownFields = ["scripts", "bin", "dependencies", "devDependencies"];

/** Of the repository's root, what a package is made from; .vscodeignore then has the last word. */
const rootFiles = [
  "package.nls.json",
  "README.md",
  "CHANGELOG.md",
  "LICENSE",
  ".vscodeignore",
  "media",
  "docs/errors.md",
];

/** @returns {string} the package for this machine */
export function thisTarget() {
  const target = `${process.platform}-${process.arch}`;
  return platforms.includes(target) ? target : universal;
}

/** @param {string} [target] @returns {string} where buildPackages() puts it */
export function packageFile(target = thisTarget()) {
  const { name, version } = manifest();
  return path.join(root, "out", `${[name, ...(target === universal ? [] : [target]), version].join("-")}.vsix`);
}

/**
 * Builds for production and packages for each target, into out/; source maps are put into out/maps/.
 * @param {readonly string[]} wanted
 * @param {(file: string, bytes: number) => void} onPackage called for each package as it is done
 * @throws for a target that is not there, and for a package that is too large
 */
export async function buildPackages(wanted, onPackage) {
  for (const target of wanted) {
    if (!targets.includes(target))
      throw new Error(`There is no package for ${target}, only for ${targets.join(", ")}.`);
  }
  mkdirSync(path.join(root, "out"), { recursive: true });
  const folder = mkdtempSync(path.join(root, "out/stage-"));
  try {
    await stage(folder);
    for (const target of wanted) {
      const vsix = await packageFor(target, folder);
      const { size } = statSync(vsix);
      onPackage(vsix, size);
      if (size > maxPackageBytes) {
        rmSync(vsix);
        throw new Error(`The package for ${target} has ${size} bytes; it may have ${maxPackageBytes}.`);
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Lays out what all packages have. @param {string} folder */
async function stage(folder) {
  for (const name of rootFiles.filter((file) => existsSync(path.join(root, file)))) {
    cpSync(path.join(root, name), path.join(folder, name), { recursive: true });
  }
  writeFileSync(path.join(folder, "README.md"), packagedReadme(readFileSync(path.join(root, "README.md"), "utf8")));
  const shown = Object.fromEntries(Object.entries(manifest()).filter(([field]) => !ownFields.includes(field)));
  writeFileSync(path.join(folder, "package.json"), JSON.stringify(shown, null, 2));
  const metafile = await buildAll({ production: true, outdir: path.join(folder, "dist") });
  const ships = (/** @type {string} */ output) => !output.endsWith("/cli.cjs");
  const notices = thirdPartyNotices(metafile, ships, ["onnxruntime-node", "onnxruntime-common"]);
  writeFileSync(path.join(folder, "THIRD-PARTY-NOTICES.txt"), notices);
  // They are for whoever reads a stack trace, and for no user.
  const maps = path.join(root, "out/maps");
  rmSync(maps, { recursive: true, force: true });
  cpSync(path.join(folder, "dist"), maps, {
    recursive: true,
    filter: (file) => statSync(file).isDirectory() || file.endsWith(".map"),
  });
}

/** @param {string} target @param {string} folder @returns {Promise<string>} the .vsix */
async function packageFor(target, folder) {
  // Beside the bundles, where Node looks first for what they require.
  const modules = path.join(folder, "dist/node_modules");
  rmSync(modules, { recursive: true, force: true });
  if (target !== universal) {
    for (const file of runtimeFiles(target)) cpSync(path.join(root, "node_modules", file), path.join(modules, file));
  }
  const vsix = packageFile(target);
  rmSync(vsix, { force: true });
  const { code, output } = await runNode(
    "node_modules/@vscode/vsce/vsce",
    [
      ...["package", "--out", vsix, "--no-dependencies", "--allow-missing-repository", "--no-rewrite-relative-links"],
      ...(target === universal ? [] : ["--target", target]),
    ],
    { cwd: folder, quiet: true },
  );
  if (code !== 0) throw new Error(`Packaging for ${target} failed (vsce, exit ${code}):\n${output.trim()}`);
  return vsix;
}

function manifest() {
  return JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
}
