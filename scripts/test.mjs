/**
 * `npm test`: installs what is needed, builds, and runs every test. The last line is `N passed, N failed`.
 *
 *   npm test                          all levels
 *   npm test -- --check               types, lint and format
 *   npm test -- --unit                unit and integration tests
 *   npm test -- --e2e                 tests in real editors
 *   npm test -- hardware test/e2e     only test files with one of these in their path
 *   npm test -- --only "byte budget"  only tests whose full title matches this regular expression
 *   npm test -- --editor newest       only in this editor (newest, oldest; may be repeated)
 *   npm test -- --pictures DIR        where tests put the pictures that they take; else below test-results/
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { summary } from "./lib/counts.mjs";
import { ensureInstalled } from "./lib/ensureInstalled.mjs";
import { seconds } from "./lib/run.mjs";

/** @typedef {import("./lib/counts.mjs").Level} Level */

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    check: { type: "boolean" },
    unit: { type: "boolean" },
    e2e: { type: "boolean" },
    only: { type: "string" },
    editor: { type: "string", multiple: true, default: [] },
    pictures: { type: "string" },
  },
});

async function main() {
  await ensureInstalled();
  // What these import may only now be there.
  const { build, checkLevel, editorLevels, vitestLevels } = await import("./lib/levels.mjs");
  const choice = { files: positionals, only: values.only, editors: values.editor, pictures: values.pictures };
  const some = choice.files.length > 0 || choice.only !== undefined;
  const all = !values.check && !values.unit && !values.e2e;
  /** @type {Level[]} */
  const levels = [];
  /** @param {string} name @param {() => Promise<readonly Level[]>} run */
  const level = async (name, run) => {
    const started = Date.now();
    console.log(`\n=== ${name}`);
    try {
      levels.push(...(await run()));
    } catch (error) {
      console.error(error instanceof Error ? error.message : error);
      levels.push({ name, passed: 0, failed: 1, skipped: 0, note: "could not be run" });
    }
    console.log(`=== ${name} took ${seconds(started)}`);
  };
  if (values.check || (all && !some)) await level("check", checkLevel);
  await level("build", async () => {
    await build();
    return [];
  });
  if (values.unit || all) await level("unit and integration", () => vitestLevels(choice));
  if (values.e2e || all) await level("e2e", () => editorLevels(choice));
  return levels;
}

const levels = await main().catch((error) => {
  console.error(error instanceof Error ? error.message : error);
  return [{ name: "set-up", passed: 0, failed: 1, skipped: 0 }];
});
const { lines, ok } = summary(levels);
console.log(`\n${lines.join("\n")}`);
process.exitCode = ok ? 0 : 1;
