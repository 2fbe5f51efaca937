import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "../../../scripts/lib/run.mjs";

interface Command {
  readonly command: string;
  readonly title: string;
  readonly category?: string;
  readonly icon?: string;
}

interface MenuItem {
  readonly command: string;
  readonly when?: string;
  readonly group?: string;
}

interface Setting {
  readonly default: unknown;
  readonly scope: string;
  readonly enum?: readonly unknown[];
  readonly markdownEnumDescriptions?: readonly string[];
}

interface Step {
  readonly media: { readonly svg: string };
  readonly completionEvents: readonly string[];
}

interface Manifest {
  readonly main: string;
  readonly icon: string;
  readonly activationEvents: readonly string[];
  readonly capabilities: { readonly untrustedWorkspaces: { readonly restrictedConfigurations: readonly string[] } };
  readonly contributes: {
    readonly customEditors: readonly { readonly viewType: string }[];
    readonly commands: readonly Command[];
    readonly menus: Readonly<Record<string, readonly MenuItem[]>>;
    readonly keybindings: readonly MenuItem[];
    readonly views: Readonly<Record<string, readonly { readonly id: string }[]>>;
    readonly viewsWelcome: readonly { readonly view: string }[];
    readonly jsonValidation: readonly { readonly fileMatch: string; readonly url: string }[];
    readonly configuration: { readonly properties: Readonly<Record<string, Setting>> };
    readonly languages: readonly { readonly id: string; readonly configuration?: string }[];
    readonly grammars: readonly { readonly language: string; readonly scopeName: string; readonly path: string }[];
    readonly walkthroughs: readonly { readonly id: string; readonly steps: readonly Step[] }[];
  };
}

const read = (file: string) => readFileSync(path.join(root, file), "utf8");
const manifestText = read("package.json");
const manifest = JSON.parse(manifestText) as Manifest;
const strings = JSON.parse(read("package.nls.json")) as Readonly<Record<string, string>>;
const extensionFiles = readdirSync(path.join(root, "src/extension")).map((file) => `src/extension/${file}`);
const extension = extensionFiles.map(read).join("\n");
const { commands, menus, keybindings, views, viewsWelcome, walkthroughs, customEditors, jsonValidation } =
  manifest.contributes;
const { languages, grammars } = manifest.contributes;
const settings = manifest.contributes.configuration.properties;
const ids = commands.map(({ command }) => command);

/** All that a pattern's first group matches in a text, once each, sorted. */
function found(text: string, pattern: RegExp): readonly string[] {
  return [...new Set([...text.matchAll(pattern)].map(([, name]) => name ?? ""))].sort();
}

/** The globs of .vscodeignore that are in use: `*`, `**` and `{a,b}`. */
function globPattern(glob: string): RegExp {
  const source = glob
    .replace(/[.+^$()|[\]\\]/g, "\\$&")
    .replace(/\{([^}]*)\}/g, (_, names: string) => `(${names.replaceAll(",", "|")})`)
    .replaceAll("**", "\0")
    .replaceAll("*", "[^/]*")
    .replaceAll("\0", ".*");
  return new RegExp(`^${source}$`);
}

/** All `when` clauses of the manifest, and the contexts that complete steps of the walkthrough. */
const clauses = [
  ...[...Object.values(menus).flat(), ...keybindings].flatMap(({ when }) => when ?? []),
  ...walkthroughs
    .flatMap(({ steps }) => steps.flatMap(({ completionEvents }) => completionEvents))
    .filter((event) => event.startsWith("onContext:")),
];

describe("commands", () => {
  it("have a handler each, and each handler is in the manifest", () => {
    const handlers = found(read("src/extension/commands.ts"), /^ {4}"(sigmaquant\.\w+)":/gm);
    expect(handlers).toEqual([...ids].sort());
    expect(handlers.length).toBeGreaterThan(10);
  });

  it("are in one category, their titles in title case, with dots where they ask something", () => {
    const small = new Set(["for", "the", "as", "to", "in", "with", "but", "with..."]);
    for (const { command, title, category } of commands) {
      expect(category, command).toBe("SigmaQuant");
      const text = strings[title.replaceAll("%", "")] ?? "";
      const words = text.split(" ").filter((word) => !small.has(word));
      expect(
        words.filter((word) => !/^[A-Z]/.test(word)),
        text,
      ).toEqual([]);
    }
  });

  it("are there wherever a menu, a key, a welcome or a step of the walkthrough names one", () => {
    const named = [...Object.values(menus).flat(), ...keybindings].map(({ command }) => command);
    const linked = Object.values(strings).flatMap((text) => found(text, /\(command:(sigmaquant\.\w+)\)/g));
    expect([...named, ...linked].filter((command) => !ids.includes(command))).toEqual([]);
    expect(linked.length).toBeGreaterThan(0);
  });

  it("have an icon where a menu shows nothing else", () => {
    const bare = Object.values(menus)
      .flat()
      .filter(({ group }) => /^(navigation|inline)\b/.test(group ?? ""));
    const icons = new Map(commands.map(({ command, icon }) => [command, icon]));
    expect(bare.filter(({ command }) => icons.get(command) === undefined)).toEqual([]);
    expect(bare.length).toBeGreaterThan(0);
  });

  it("in context menus are for models only", () => {
    for (const menu of ["explorer/context", "editor/title/context", "editor/title"]) {
      for (const { command, when } of menus[menu] ?? []) {
        expect(when, `${menu} ${command}`).toMatch(/resourceExtname =~ \/\^\\\.onnx\$\/i|activeCustomEditorId/);
      }
    }
  });

  it("hide in the palette while what they are about is not there", () => {
    const shownAlways = ids.filter((id) => !menus.commandPalette?.some(({ command }) => command === id));
    expect(shownAlways).toEqual(["sigmaquant.newProfile", "sigmaquant.restartServer", "sigmaquant.showLog"]);
  });
});

describe("when clauses", () => {
  it("ask only for context keys that the extension sets", () => {
    const asked = found(clauses.join("\n"), /\b(sigmaquant\.\w+)/g);
    const own = found(read("src/extension/contextKeys.ts"), /^ {2}"(sigmaquant\.\w+)":/gm);
    const others = [
      ...customEditors.map(({ viewType }) => viewType),
      ...Object.values(views)
        .flat()
        .map(({ id }) => id),
    ];
    expect(asked.filter((key) => !own.includes(key) && !others.includes(key))).toEqual([]);
    expect(own.filter((key) => !asked.includes(key))).toEqual([]);
  });
});

describe("strings", () => {
  const used = found(manifestText, /"%([^%"]+)%"/g);

  it("that the manifest names are there, and none besides", () => {
    expect(used).toEqual(Object.keys(strings).sort());
  });

  it("that people read are all in package.nls.json", () => {
    const shown = /"(title|displayName|description|markdownDescription|altText|name|contents)": "(?!%)([^"]*)"/g;
    const literal = [...manifestText.matchAll(shown)].map(([, , text]) => text);
    // The product's name, and npm's own "name".
    expect([...new Set(literal)].sort()).toEqual(["SigmaQuant", "sigmaquant"]);
  });

  it("open walkthroughs by their names", () => {
    const { publisher, name } = JSON.parse(manifestText) as { publisher: string; name: string };
    const known = walkthroughs.map(({ id }) => `${publisher}.${name}#${id}`);
    const opened = Object.values(strings).flatMap((text) => found(text, /openWalkthrough\?([^)]+)\)/g));
    expect(new Set(opened.map((argument) => JSON.parse(decodeURIComponent(argument))))).toEqual(new Set(known));
  });
});

describe("settings", () => {
  /** `get("profile", "")` */
  const reads = new Map(
    [...read("src/extension/settings.ts").matchAll(/\bget\("(\w+)", ([^()]+)\)/g)].map(([, name, fallback]) => [
      `sigmaquant.${name}`,
      JSON.parse(fallback ?? "null") as unknown,
    ]),
  );

  it("are those that the extension reads, with the same defaults", () => {
    const declared = Object.entries(settings).map(([name, { default: value }]) => [name, value]);
    expect(Object.fromEntries(reads)).toEqual(Object.fromEntries(declared));
  });

  it("describe each choice", () => {
    for (const [name, { enum: choices, markdownEnumDescriptions }] of Object.entries(settings)) {
      expect(markdownEnumDescriptions?.length, name).toBe(choices?.length);
    }
  });

  it("that say where models are sent to are not taken from any workspace", () => {
    expect(settings["sigmaquant.queueUrl"]?.scope).toBe("machine");
  });

  it("that name files or servers are not taken from a workspace that is not trusted", () => {
    const { restrictedConfigurations } = manifest.capabilities.untrustedWorkspaces;
    expect(restrictedConfigurations).toEqual([
      "sigmaquant.profile",
      "sigmaquant.calibrationSet",
      "sigmaquant.evaluationSet",
      "sigmaquant.queueUrl",
    ]);
    expect(restrictedConfigurations.filter((name) => !(name in settings))).toEqual([]);
  });
});

describe("files", () => {
  const pictures = walkthroughs.flatMap(({ steps }) => steps.map(({ media }) => media.svg));
  const syntaxes = [
    ...languages.flatMap(({ configuration }) => configuration ?? []),
    ...grammars.map((each) => each.path),
  ];
  const ownSchemas = jsonValidation.map(({ url }) => url).filter((url) => url.startsWith("./"));
  const served = [...read("src/extension/schemas.ts").matchAll(/^ {2}"(\/[\w-]+\.json)": "([^"]+)"/gm)];
  const schemas = new Map(served.map(([, address = "", file]) => [address, `media/schemas/${file}`]));
  const named = [manifest.icon, ...new Set([...ownSchemas, ...schemas.values()]), ...syntaxes, ...pictures];

  it("that the manifest names are there", () => {
    expect(named.filter((file) => !existsSync(path.join(root, file)))).toEqual([]);
  });

  it("that the manifest names are let into the package", () => {
    const allowed = read(".vscodeignore")
      .split("\n")
      .filter((line) => line.startsWith("!"))
      .map((line) => line.slice(1));
    const packaged = [manifest.main, ...named].map((file) => path.posix.normalize(file));
    expect(packaged.filter((file) => !allowed.some((glob) => globPattern(glob).test(file)))).toEqual([]);
  });

  it("have the schemas that profiles and plans name, each from the scheme that wakes the extension", () => {
    expect(schemas.size).toBe(jsonValidation.length);
    const ids = [...schemas].map(([address, file]) => [address, (JSON.parse(read(file)) as { $id: string }).$id]);
    expect(ids).toEqual(ids.map(([address]) => [address, `sigmaquant://schemas${address}`]));
    expect(manifest.activationEvents).toContain("onFileSystem:sigmaquant");
  });

  it("wake the extension by their schema where they name none: profiles and plans, and no other file", () => {
    const waking = jsonValidation.filter(({ url }) => !url.startsWith("./"));
    expect(waking.map(({ fileMatch }) => fileMatch).sort()).toEqual(["*.hwprofile.json", "*.sigmaquant.json"]);
    for (const { url } of waking) expect([...schemas.keys()]).toContain(url.replace("sigmaquant://schemas", ""));
  });

  it("have the grammars of our languages, each under its own scope", () => {
    for (const { language, scopeName, path: file } of grammars) {
      expect(languages.map(({ id }) => id)).toContain(language);
      const grammar = JSON.parse(read(file)) as { scopeName: string; repository: Readonly<Record<string, unknown>> };
      expect(grammar.scopeName).toBe(scopeName);
      const included = found(read(file), /"include": "#(\w+)"/g);
      expect(included).toEqual(Object.keys(grammar.repository).sort());
    }
  });

  it("have the scheme under which models are shown as text, whose first use wakes the extension", () => {
    const [scheme] = found(read("src/protocol/modelText.ts"), /modelTextScheme = "([^"]+)"/g);
    expect(manifest.activationEvents).toContain(`onFileSystem:${scheme}`);
  });

  it("are pictures of 128 by 128 pixels, or in the theme's colours", () => {
    const icon = readFileSync(path.join(root, manifest.icon));
    // PNG: after signature and chunk header come width and height.
    expect([icon.readUInt32BE(16), icon.readUInt32BE(20)]).toEqual([128, 128]);
    for (const picture of pictures) {
      const colours = found(read(picture), /(?:fill|stroke)="([^"]+)"/g);
      expect(colours.filter((colour) => colour !== "none" && !colour.startsWith("var(--vscode-"))).toEqual([]);
    }
  });
});

describe("views and editors", () => {
  it("are those that the extension registers", () => {
    const trees = found(extension, /createTreeView\("([^"]+)"/g);
    expect(
      Object.values(views)
        .flat()
        .map(({ id }) => id),
    ).toEqual(trees);
    expect(viewsWelcome.filter(({ view }) => !trees.includes(view))).toEqual([]);
    expect(customEditors.map(({ viewType }) => viewType)).toEqual(found(extension, /modelEditorType = "([^"]+)"/g));
  });
});
