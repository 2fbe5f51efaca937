import { beforeAll, describe, expect, it } from "vitest";
import { type ImportGraph, importGraph, isBuiltin, reachable } from "../../support/importGraph.ts";

/** The core's closed lists of names, and its error; they import nothing else. Guards check against the very lists that types are made of. */
const contracts = ["src/core/errors.ts", "src/core/hardware/profile.ts", "src/core/recovery/methods.ts"];

/** The core's pure functions from numbers to words, which the page shows as the terminal does. */
const formatters = ["src/core/plan/format.ts"];

/** Each layer and what its files may import at run time: layers, or single files. Types may come from anywhere. */
const layers: Readonly<Record<string, readonly string[]>> = {
  core: ["core"],
  protocol: ["protocol", ...contracts],
  node: ["node", "core"],
  queue: ["queue", "node", "protocol", "core"],
  engine: ["engine", "queue", "node", "protocol", "core"],
  server: ["server", "node", "protocol", "core"],
  cli: ["cli", "queue", "node", "protocol", "core"],
  extension: ["extension", "protocol", ...contracts],
  webview: ["webview", "protocol", ...contracts, ...formatters],
};

/** Presets and schemas may be bundled anywhere. */
const dataFolder = "media/";
const packagesFolder = "node_modules/";

function layerOf(file: string): string | undefined {
  return /^(?:src\/([^/]+)|(webview))\//.exec(file)?.slice(1).find(Boolean);
}

function isOurs(file: string): boolean {
  return file.endsWith(".ts") && !file.startsWith(packagesFolder);
}

/** "importer -> imported" for each import that its layer does not allow. */
function wrongDirections(graph: ImportGraph): readonly string[] {
  return [...graph]
    .filter(([file]) => isOurs(file))
    .flatMap(([file, imports]) => {
      const allowed = layers[layerOf(file) ?? ""] ?? [];
      return imports
        .filter((target) => isOurs(target) && !target.startsWith(dataFolder))
        .filter((target) => !allowed.includes(layerOf(target) ?? "") && !allowed.includes(target))
        .map((target) => `${file} -> ${target}`);
    });
}

/** "file ... target" for each file of the layer that takes in, through whatever chain, something that is forbidden to it. */
function leaks(graph: ImportGraph, layer: string, forbidden: (target: string) => boolean): readonly string[] {
  return [...graph.keys()]
    .filter((file) => isOurs(file) && layerOf(file) === layer)
    .flatMap((file) => [...reachable(graph, file)].filter(forbidden).map((target) => `${file} ... ${target}`));
}

/** Files that take a file in, and are not it. */
function leaksTo(graph: ImportGraph, target: string): readonly string[] {
  return [...graph.keys()].filter((file) => file !== target && reachable(graph, file).has(target));
}

function isCoreBut(target: string, allowed: readonly string[]): boolean {
  return layerOf(target) === "core" && !allowed.includes(target);
}

describe("the rules of the layers", () => {
  it("find an import against the direction", () => {
    const graph = new Map([
      ["src/core/a.ts", ["src/cli/b.ts"]],
      ["src/cli/b.ts", ["src/core/a.ts"]],
    ]);
    expect(wrongDirections(graph)).toEqual(["src/core/a.ts -> src/cli/b.ts"]);
  });

  it("let the page import the formatters of plans, and nothing else of the core", () => {
    const graph = new Map([["webview/main.ts", ["src/core/plan/format.ts", "src/core/plan/verdict.ts"]]]);
    expect(wrongDirections(graph)).toEqual(["webview/main.ts -> src/core/plan/verdict.ts"]);
  });

  it("find a built-in module behind a package", () => {
    const graph = new Map([
      ["src/core/a.ts", ["node_modules/b/index.js"]],
      ["node_modules/b/index.js", ["node:fs"]],
    ]);
    expect(leaks(graph, "core", isBuiltin)).toEqual(["src/core/a.ts ... node:fs"]);
  });
});

describe("the sources", () => {
  let graph: ImportGraph = new Map();
  beforeAll(async () => {
    graph = await importGraph();
  }, 60_000);

  it("lie in a layer that has a rule", () => {
    const homeless = [...graph.keys()].filter((file) => isOurs(file) && layers[layerOf(file) ?? ""] === undefined);
    expect(homeless).toEqual([]);
    expect([...graph.keys()].filter((file) => layerOf(file) === "core").length).toBeGreaterThan(0);
  });

  it("import in the direction of the layers", () => {
    expect(wrongDirections(graph)).toEqual([]);
  });

  it("keep the core free of Node and of the editor, packages included", () => {
    expect(leaks(graph, "core", (target) => isBuiltin(target) || target === "vscode")).toEqual([]);
  });

  it("keep contracts and formatters free of the rest of the core", () => {
    const shared = [...contracts, ...formatters];
    const taken = shared.flatMap((file) => [...reachable(graph, file)]);
    expect(taken.filter((file) => isBuiltin(file) || isCoreBut(file, shared))).toEqual([]);
  });

  it("keep the page free of Node, of the editor and of all of the core but contracts and formatters", () => {
    const forbidden = (target: string) =>
      isBuiltin(target) || target === "vscode" || isCoreBut(target, [...contracts, ...formatters]);
    expect(leaks(graph, "webview", forbidden)).toEqual([]);
  });

  it("keep the core and ONNX Runtime out of the extension host", () => {
    const forbidden = (target: string) => target === "onnxruntime-node" || isCoreBut(target, contracts);
    expect(leaks(graph, "extension", forbidden)).toEqual([]);
  });

  it("load ONNX Runtime in child processes only, not in the server itself", () => {
    expect(leaks(graph, "server", (target) => target === "onnxruntime-node")).toEqual([]);
  });

  it("have one way to the network, which nothing takes in: a file that is loaded where a queue was asked for", () => {
    const network = /^node:(http|https|http2|net|tls|dgram|dns|quic)(\/|$)/;
    const driver = "src/queue/driver.ts";
    const fromDriver = reachable(graph, driver);
    // The language protocol's channels between processes: sockets are one of them, and not the one in use.
    const isChannel = (file: string) => /vscode-jsonrpc\/lib\/node\/main\.js$/.test(file);
    const importing = [...graph].filter(([, targets]) => targets.some((target) => network.test(target)));
    expect(importing.map(([file]) => file).filter((file) => !isChannel(file) && !fromDriver.has(file))).toEqual([]);
    expect(importing.filter(([file]) => isOurs(file))).toEqual([]);
    expect(leaksTo(graph, driver)).toEqual([]);
  });

  it("start processes in one place only; packages could, where told to", () => {
    const others = /^node:(child_process|vm|cluster|inspector|repl|wasi)(\/|$)/;
    const importing = [...graph].filter(([, targets]) => targets.some((target) => others.test(target)));
    expect(importing.map(([file]) => file).filter(isOurs)).toEqual(["src/node/engineClient.ts"]);
  });

  it("keep the editor's API in the extension", () => {
    const others = Object.keys(layers).filter((layer) => layer !== "extension");
    expect(others.flatMap((layer) => leaks(graph, layer, (target) => target === "vscode"))).toEqual([]);
  });
});
