/**
 * Bundles every program of this repository.
 *
 *   node esbuild.mjs                development build: source maps linked, names kept
 *   node esbuild.mjs --production   what ships: minified, source maps in files of their own that no package takes in
 *   node esbuild.mjs --watch        development build, again at each change
 *   node esbuild.mjs --out DIR      writes to DIR instead of dist/
 *
 * Writes DIR/meta.json beside the bundles: esbuild's account of what went into each, which the test of the layers reads too.
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import * as esbuild from "esbuild";

const root = path.dirname(fileURLToPath(import.meta.url));

/** Bundles that run in Node: name in dist/ (.cjs) and where each starts. */
export const nodeEntries = Object.freeze({
  cli: "src/cli/main.ts",
  extension: "src/extension/extension.ts",
  server: "src/server/main.ts",
  engine: "src/engine/main.ts",
  computeThread: "src/node/computeThread.ts",
  queueDriver: "src/queue/driver.ts",
});

/**
 * The queue's driver stays a bundle of its own, that programs load when a queue was asked for: it is larger than all of ours together,
 * and has no part in their start.
 * @type {import("esbuild").Plugin}
 */
const driverApart = {
  name: "queue-driver-apart",
  setup(build) {
    build.onResolve({ filter: /^\.\/driver\.ts$/ }, ({ kind, importer }) =>
      kind === "dynamic-import" && path.dirname(importer) === path.join(root, "src/queue")
        ? { path: "./queueDriver.cjs", external: true }
        : undefined,
    );
  },
};

/**
 * The pages, each dist/webview/NAME.js and, from the style sheets that it imports, NAME.css: that of the custom editor, and that of
 * devices side by side.
 */
export const webviewEntries = Object.freeze({ main: "webview/main.ts", devices: "webview/devices/main.ts" });

/** Files that lie beside the bundles: the image decoders' WebAssembly (src/node/images/codecs.ts). */
export const besideEntries = Object.freeze({
  mozjpeg_dec: "node_modules/@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm",
  squoosh_png_bg: "node_modules/@jsquash/png/codec/pkg/squoosh_png_bg.wasm",
});

/** Never bundled: the editor's own API, and ONNX Runtime, whose binary has to lie beside its JavaScript. */
export const nodeExternals = Object.freeze(["vscode", "onnxruntime-node"]);

/**
 * esbuild's options for the Node programs.
 * @param {{ production?: boolean, outdir?: string }} [how]
 * @returns {import("esbuild").BuildOptions & { metafile: true }}
 */
export function nodeBuild({ production = false, outdir = "dist" } = {}) {
  return {
    ...shared(production),
    entryPoints: { ...nodeEntries },
    outdir,
    outExtension: { ".js": ".cjs" },
    platform: "node",
    // jsonc-parser's "main" is UMD, whose requires no bundler can follow.
    mainFields: ["module", "main"],
    // Node 20 is what `engines` promises; VS Code 1.100 runs it too.
    target: "node20",
    format: "cjs",
    external: [...nodeExternals],
    plugins: [driverApart],
    // In CommonJS import.meta is empty; sources are ES modules and may ask where they lie.
    banner: { js: '"use strict"; const bundleUrl = require("node:url").pathToFileURL(__filename).href;' },
    define: {
      "import.meta.url": "bundleUrl",
      "import.meta.dirname": "__dirname",
      "import.meta.filename": "__filename",
    },
  };
}

/**
 * esbuild's options for the pages.
 * @param {{ production?: boolean, outdir?: string }} [how]
 * @returns {import("esbuild").BuildOptions & { metafile: true }}
 */
export function webviewBuild({ production = false, outdir = "dist" } = {}) {
  return {
    ...shared(production),
    entryPoints: { ...webviewEntries },
    outdir: `${outdir}/webview`,
    platform: "browser",
    // Chromium 132 is in VS Code 1.100's Electron.
    target: "chrome132",
    format: "iife",
    tsconfig: path.join(root, "webview/tsconfig.json"),
    loader: { ".ttf": "file", ".woff2": "file" },
    assetNames: "[name]",
  };
}

/**
 * esbuild's options for what is copied.
 * @param {{ production?: boolean, outdir?: string }} [how]
 * @returns {import("esbuild").BuildOptions & { metafile: true }}
 */
export function besideBuild({ production = false, outdir = "dist" } = {}) {
  return {
    ...shared(production),
    sourcemap: false,
    entryPoints: { ...besideEntries },
    outdir,
    loader: { ".wasm": "copy" },
  };
}

/**
 * @param {boolean} production
 * @returns {import("esbuild").BuildOptions & { metafile: true }}
 */
function shared(production) {
  return {
    absWorkingDir: root,
    bundle: true,
    metafile: true,
    minify: production,
    // A stack trace in a bug report should name functions; it costs a few kilobytes.
    keepNames: true,
    sourcemap: production ? "external" : "linked",
    legalComments: "none",
    define: {},
    logLevel: "warning",
    charset: "utf8",
  };
}

/**
 * Builds all that there is and writes the account of it.
 * @param {{ production?: boolean, outdir?: string }} [how]
 */
export async function buildAll(how = {}) {
  const results = await Promise.all(builds(how).map((options) => esbuild.build(options)));
  const outdir = path.resolve(root, how.outdir ?? "dist");
  mkdirSync(outdir, { recursive: true });
  const metafile = {
    inputs: Object.assign({}, ...results.map((r) => r.metafile?.inputs)),
    outputs: Object.assign({}, ...results.map((r) => r.metafile?.outputs)),
  };
  writeFileSync(path.join(outdir, "meta.json"), JSON.stringify(metafile));
  return metafile;
}

/** @param {{ production?: boolean, outdir?: string }} how */
function builds(how) {
  return [nodeBuild(how), webviewBuild(how), besideBuild(how)]
    .map((options) => ({ ...options, entryPoints: existing(options.entryPoints) }))
    .filter((options) => Object.keys(options.entryPoints).length > 0);
}

/** @param {import("esbuild").BuildOptions["entryPoints"]} entries @returns {Record<string, string>} */
function existing(entries) {
  const all = /** @type {Record<string, string>} */ (entries);
  return Object.fromEntries(Object.entries(all).filter(([, file]) => existsSync(path.join(root, file))));
}

async function main() {
  const { values } = parseArgs({
    options: { production: { type: "boolean" }, watch: { type: "boolean" }, out: { type: "string" } },
  });
  const how = { production: values.production ?? false, outdir: values.out ?? "dist" };
  if (!values.watch) {
    await buildAll(how);
    return;
  }
  for (const options of builds(how)) {
    const context = await esbuild.context({ ...options, logLevel: "info" });
    await context.watch();
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main().catch((error) => {
    // esbuild has already printed what is wrong with the sources; anything else is ours to tell.
    if (!(error instanceof Error && "errors" in error)) console.error(error);
    process.exitCode = 1;
  });
}
