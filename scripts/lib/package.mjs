/** Packages the extension for one platform: ONNX Runtime's binary is native, and all platforms' together are 290 MB. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { buildAll } from "../../esbuild.mjs";
import { root, runNode } from "./run.mjs";

/** Platforms that ONNX Runtime has a binary for, by VS Code's names. */
const targets = Object.freeze(["linux-x64", "linux-arm64", "darwin-arm64", "win32-x64", "win32-arm64"]);

/** @returns {string} this machine's platform, by VS Code's name */
export function thisTarget() {
  return `${process.platform}-${process.arch}`;
}

/** @param {string} [target] @returns {string} where buildPackage() puts it */
export function packageFile(target = thisTarget()) {
  const { name, version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  return path.join(root, "out", `${name}-${target}-${version}.vsix`);
}

/**
 * Builds for production (into dist/) and packages.
 * @param {string} [target]
 * @returns {Promise<string>} the .vsix, in out/
 */
export async function buildPackage(target = thisTarget()) {
  if (!targets.includes(target)) {
    throw new Error(`There is no ONNX Runtime for ${target}; packages can be made for ${targets.join(", ")}.`);
  }
  await buildAll({ production: true });
  const vsix = packageFile(target);
  const out = path.dirname(vsix);
  mkdirSync(out, { recursive: true });
  rmSync(vsix, { force: true });
  const ignoreFile = path.join(out, `vscodeignore-${target}-${process.pid}`);
  const binary = `!node_modules/onnxruntime-node/bin/*/${target.replace("-", "/")}/**`;
  writeFileSync(ignoreFile, `${readFileSync(path.join(root, ".vscodeignore"), "utf8")}\n${binary}\n`);
  try {
    const { code, output } = await runNode(
      "node_modules/@vscode/vsce/vsce",
      [
        ...["package", "--target", target, "--out", vsix, "--ignoreFile", path.relative(root, ignoreFile)],
        ...["--allow-missing-repository", "--no-rewrite-relative-links"],
      ],
      { quiet: true },
    );
    if (code !== 0) throw new Error(`Packaging failed (vsce, exit ${code}):\n${output.trim()}`);
  } finally {
    rmSync(ignoreFile, { force: true });
  }
  return vsix;
}
