import { appendFileSync, readdirSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import Mocha from "mocha";
import { bridgeVariable } from "./bridge.ts";
import { ui } from "./client.ts";
import { type InHostEvent, reportVariable, selectVariable } from "./inHostEvents.ts";

/** Longer than any one thing that a test waits for, so that the one that did not come is what is told. Analyses have a time of their own. */
const testTimeoutMs = 150_000;

/**
 * What VS Code calls in its extension host (`extensionTestsPath`): runs the bundled tests beside this file and writes each one's
 * outcome as a line of JSON to the file that the environment names.
 * @throws where a test failed, which VS Code reports as its exit code
 */
export async function run(): Promise<void> {
  const mocha = new Mocha({
    ui: "bdd",
    color: false,
    timeout: testTimeoutMs,
    reporter: "spec",
    forbidOnly: true,
    forbidPending: true,
    // A window on a busy machine now and then drops a key or a click; what passes only then is named, see `report`.
    retries: 1,
  });
  const wanted = process.env[selectVariable];
  if (wanted !== undefined && wanted !== "") mocha.grep(new RegExp(wanted));
  for (const file of readdirSync(__dirname, { recursive: true, encoding: "utf8" }).sort()) {
    if (file.endsWith(".test.cjs")) mocha.addFile(path.join(__dirname, file));
  }
  mocha.rootHooks({ afterEach: pictureOfFailure });
  const failures = await new Promise<number>((resolve) => report(mocha.run(resolve))).catch(tellNotLoaded);
  if (failures > 0) throw new Error(`${failures} tests failed.`);
}

/** A test file that can't even be loaded is in no report of mocha's. */
function tellNotLoaded(error: unknown): never {
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  console.log(`  the tests could not be loaded: ${message}`);
  throw error;
}

/** What the window looked like when a test failed says more than its stack. */
async function pictureOfFailure(this: Mocha.Context): Promise<void> {
  const test = this.currentTest;
  if (test?.state === "failed") await pictureOf(test.fullTitle());
}

async function pictureOf(title: string): Promise<void> {
  if (process.env[bridgeVariable] === undefined) return;
  const file = await ui.screenshot(`failed-${title}`).catch(() => undefined);
  if (file !== undefined) console.log(`      picture: ${file}`);
}

function report(runner: Mocha.Runner): void {
  const file = process.env[reportVariable];
  if (file === undefined) return;
  const write = (event: InHostEvent) => appendFileSync(file, `${JSON.stringify(event)}\n`);
  runner.on("pass", (test) => write({ outcome: "passed", title: test.fullTitle(), milliseconds: test.duration ?? 0 }));
  runner.on("retry", (test: Mocha.Test, error: Error) => {
    console.log(`      once more, ${test.title}: ${error.message}`);
    write({ outcome: "retried", title: test.fullTitle(), message: error.message });
  });
  // Hooks fail by this event too, and count as a test that failed.
  runner.on("fail", (test, error: Error) => {
    // Root hooks come after tests alone.
    const { type } = test as { readonly type: string };
    if (type === "hook") void pictureOf(test.fullTitle());
    write({ outcome: "failed", title: test.fullTitle(), message: error.stack ?? error.message });
  });
  runner.on("pending", (test) => write({ outcome: "skipped", title: test.fullTitle() }));
  runner.on("end", () => write({ outcome: "end" }));
}
