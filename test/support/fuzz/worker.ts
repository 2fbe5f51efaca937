import { openSync, writeFileSync, writeSync } from "node:fs";
import process from "node:process";
import { random } from "../../../src/core/data/random.ts";
import { SigmaQuantError } from "../../../src/core/errors.ts";
import { kindOf } from "./allKinds.ts";
import type { Kind, OpenKind } from "./kinds.ts";

/** What a process of the fuzzer is to do: the cases from one number up to another. */
export interface Order {
  readonly seed: number;
  readonly from: number;
  readonly to: number;
  /** Processor time that a case may take. */
  readonly cpuMs: number;
  /** Written to before each case: the number of the case that a process died of is in it. */
  readonly progressFile: string;
  /** Passes over the cases of other kinds. */
  readonly only?: string;
  /** Puts the mutated file of the first case there. */
  readonly save?: string;
}

/** A case that ended otherwise than in a result or an error with a code. */
export interface Finding {
  readonly number: number;
  readonly kind: string;
  readonly problem: string;
}

export interface Done {
  /** Cases by kind, and by code: "" for those that were taken. */
  readonly counts: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly findings: readonly Finding[];
  /** The next case; less than `to` where the process wants another to go on. */
  readonly next: number;
  readonly slowestMs: number;
  readonly peakMiB: number;
}

/** Runs cases, one after the other, until one has taken more time or memory than it may. */
export async function runCases(order: Order): Promise<Done> {
  const progress = openSync(order.progressFile, "w");
  const open = new Map<Kind, OpenKind>();
  const counts: Record<string, Record<string, number>> = {};
  const findings: Finding[] = [];
  let slowestMs = 0;
  let number = order.from;
  for (; number < order.to && findings.length === 0; number++) {
    const kind = kindOf(number);
    if (order.only !== undefined && order.only !== kind.name) continue;
    // Cases wait for nothing but themselves; what came in meanwhile has its turn.
    await new Promise(setImmediate);
    const opened = open.get(kind) ?? (await kind.open());
    open.set(kind, opened);
    const bytes = opened.make(random(order.seed, number));
    if (number === order.from && order.save !== undefined) writeFileSync(order.save, bytes);
    writeSync(progress, String(number).padEnd(12), 0);
    const started = process.cpuUsage();
    const ended = await outcome(opened, bytes);
    const { user, system } = process.cpuUsage(started);
    const ms = (user + system) / 1e3;
    slowestMs = Math.max(slowestMs, ms);
    const code = ended.code ?? "";
    const own = counts[kind.name] ?? {};
    counts[kind.name] = { ...own, [code]: (own[code] ?? 0) + 1 };
    const problem = ended.problem ?? excess(ms, order.cpuMs, kind);
    if (problem !== undefined) findings.push({ number, kind: kind.name, problem });
  }
  for (const each of open.values()) each.close?.();
  return { counts, findings, next: number, slowestMs, peakMiB: peakMiB() };
}

/** What becomes of a file: taken, refused with a code, or a problem. */
export async function outcome({ use }: OpenKind, bytes: Uint8Array): Promise<{ code?: string; problem?: string }> {
  try {
    await use(bytes);
    return {};
  } catch (error) {
    if (error instanceof SigmaQuantError) {
      if (!error.code.startsWith("SQ9")) return { code: error.code };
      return { code: error.code, problem: `${error.describe()}\n${error.stack}` };
    }
    return { problem: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

function excess(ms: number, mostMs: number, kind: Kind): string | undefined {
  if (ms > mostMs) return `took ${Math.round(ms)} ms of processor time`;
  const memory = peakMiB();
  return memory > kind.memoryMiB ? `the process has had ${Math.round(memory)} MiB` : undefined;
}

/** Most memory that the process has had. maxRSS is in KiB. */
function peakMiB(): number {
  return process.resourceUsage().maxRSS / 1024;
}

/** Exit code where the fuzzer itself, its seeds or its mutations, went wrong. */
export const brokenFuzzer = 70;

/** As a process of its own: the order comes over the channel, and the answer goes back there. */
export function serve(): void {
  // Nobody waits for the answer any more: the fuzzer was stopped.
  process.once("disconnect", () => process.exit());
  process.once("message", (order) => {
    runCases(order as Order)
      .then((done) => process.send?.(done, () => process.disconnect()))
      .catch((error) => {
        console.error(error);
        process.exit(brokenFuzzer);
      });
  });
}
