import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "../../../scripts/lib/run.mjs";

const guide = readFileSync(path.join(root, "CONTRIBUTING.md"), "utf8");
const manifest = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as {
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
};

/** Names in backquotes in the first column of the table below a heading. */
function namesBelow(heading: string): readonly string[] {
  const section = guide.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  return section
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .flatMap((line) => [...(line.split("|")[1] ?? "").matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? ""));
}

describe("CONTRIBUTING.md", () => {
  it("gives a reason for each dependency, and for none that is not there", () => {
    const installed = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.devDependencies)];
    expect([...namesBelow("Dependencies")].sort()).toEqual(installed.sort());
  });

  it("names the npm commands that there are", () => {
    const commands = namesBelow("Set-up").map((command) => command.replace(/^npm (run )?/, ""));
    expect([...commands].sort()).toEqual(Object.keys(manifest.scripts).sort());
  });
});
