import path from "node:path";
import process from "node:process";
import { root, run } from "../../scripts/lib/run.mjs";

/**
 * Runs a part of a benchmark in a Node of its own, for the memory that it takes there: bench/NAME.ts, which tells its result by
 * `tellParent`.
 */
export async function runChild<T>(name: string, args: readonly string[]): Promise<T> {
  const { code, output } = await run(process.execPath, [path.join(root, "bench/run.mjs"), name, ...args], {
    quiet: true,
  });
  const line = output.split("\n").find((each) => each.startsWith(mark));
  if (code !== 0 || line === undefined) throw new Error(`${name} ended with code ${code}: ${output}`);
  return JSON.parse(line.slice(mark.length)) as T;
}

const mark = "result: ";

export function tellParent(result: object): void {
  console.log(`${mark}${JSON.stringify(result)}`);
}

/** Most memory that this process has had in RAM, bytes. */
export function peakResident(): number {
  return process.resourceUsage().maxRSS * 1024;
}
