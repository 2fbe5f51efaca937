/** Which files of ONNX Runtime a platform needs to run models on its processor. */
import { readdirSync } from "node:fs";
import path from "node:path";
import { root } from "./run.mjs";

/** Platforms that ONNX Runtime has binaries for, by VS Code's names. */
export const platforms = Object.freeze(["linux-x64", "linux-arm64", "darwin-arm64", "win32-x64", "win32-arm64"]);

/**
 * Binaries that are there for graphics cards, which we don't use, or twice. onnxruntime.dll loads DirectML.dll when that provider is
 * first used (its import is delayed), WebGPU's shader compilers likewise; and what macOS loads is named libonnxruntime.1.dylib.
 */
const unused = [/^DirectML\.dll$/, /^dxcompiler\.dll$/, /^dxil\.dll$/, /^libonnxruntime\.\d+\.\d+\.\d+\.dylib$/];

/** JavaScript of the runtime: no sources, types or source maps, nothing of its install script. */
const javaScript = [
  ["onnxruntime-node", "dist"],
  ["onnxruntime-common", "dist/cjs"],
];

/**
 * @param {string} platform
 * @returns {readonly string[]} files, relative to node_modules
 */
export function runtimeFiles(platform) {
  const [system = "", processor = ""] = platform.split("-");
  const scripts = javaScript.flatMap(([name = "", folder = ""]) =>
    filesOf(path.posix.join(name, folder)).filter((file) => /\.js$|\/package\.json$/.test(file)),
  );
  const binaries = filesOf("onnxruntime-node/bin").filter((file) => {
    // bin/napi-v6/linux/x64/libonnxruntime.so.1
    const [name = "", arch, os] = file.split("/").reverse();
    return os === system && arch === processor && !unused.some((pattern) => pattern.test(name));
  });
  if (!binaries.some((file) => file.endsWith(".node"))) throw new Error(`ONNX Runtime has no binary for ${platform}.`);
  const licenses = javaScript.flatMap(([name = ""]) =>
    readdirSync(path.join(root, "node_modules", name))
      .filter((file) => /^(licen[cs]e|thirdparty)/i.test(file))
      .map((file) => `${name}/${file}`),
  );
  return [...javaScript.map(([name]) => `${name}/package.json`), ...licenses, ...scripts, ...binaries];
}

/** @param {string} folder below node_modules @returns {readonly string[]} */
function filesOf(folder) {
  return readdirSync(path.join(root, "node_modules", folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      path.relative(path.join(root, "node_modules"), path.join(entry.parentPath ?? entry.path, entry.name)),
    )
    .map((file) => file.replaceAll(path.sep, "/"));
}
