import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { kindOf } from "./allKinds.ts";
import { brokenFuzzer, type Done, type Finding, type Order } from "./worker.ts";

export interface FuzzOptions {
  /** The bundle whose process serves cases (worker.ts), and its arguments. */
  readonly program: string;
  readonly args?: readonly string[];
  readonly seed: number;
  readonly from?: number;
  readonly cases: number;
  /** Ends after as many findings. */
  readonly mostFindings?: number;
  readonly only?: string;
  readonly save?: string;
  readonly onProgress?: (next: number) => void;
  readonly onFinding?: (finding: Finding) => void;
}

export interface FuzzReport {
  readonly cases: number;
  /** By kind, and by code; "" for files that were taken. */
  readonly counts: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly findings: readonly Finding[];
  /** Processor time of the slowest case. */
  readonly slowestMs: number;
  readonly peakMiB: number;
}

/** Processor time of one case. */
const cpuMs = 2000;
/** Without a new case for so long a process hangs, on however busy a machine; it starts, too, in this time. */
const hangMs = 60_000;
/** Heap of JavaScript; ArrayBuffers are not in it, the kinds' limits are for all memory. */
const heapMiB = 384;
/** Cases of one process: what is reported is then seldom far from what was done. */
const chunk = 1000;
/** At this the machine is protected, whatever the limit of a kind. */
const emergencyMiB = 3072;

/** Runs cases in child processes: what they do to the process, crash, hang or fill it, is a finding and not the end. */
export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const { from = 0, cases, mostFindings = 20 } = options;
  const counts: Record<string, Record<string, number>> = {};
  const findings: Finding[] = [];
  let [slowestMs, peakMiB, next] = [0, 0, from];
  while (next < from + cases && findings.length < mostFindings) {
    const done = await inChild(options, next, Math.min(next + chunk, from + cases));
    for (const [kind, codes] of Object.entries(done.counts)) {
      const own = { ...counts[kind] };
      for (const [code, count] of Object.entries(codes)) own[code] = (own[code] ?? 0) + count;
      counts[kind] = own;
    }
    for (const finding of done.findings) {
      // Time and memory may be other cases' doing: what a fresh process does not show again is none.
      const again = await inChild(options, finding.number, finding.number + 1);
      const [shown] = again.findings;
      if (!shown) continue;
      findings.push(shown);
      options.onFinding?.(shown);
    }
    slowestMs = Math.max(slowestMs, done.slowestMs);
    peakMiB = Math.max(peakMiB, done.peakMiB);
    next = done.next;
    options.onProgress?.(next);
  }
  return { cases: next - from, counts, findings, slowestMs, peakMiB };
}

async function inChild(options: FuzzOptions, from: number, to: number): Promise<Done> {
  const folder = mkdtempSync(path.join(os.tmpdir(), "sigmaquant-fuzz-"));
  const progressFile = path.join(folder, "progress");
  const { seed, save, only } = options;
  const order: Order = {
    ...{ seed, from, to, cpuMs, progressFile },
    ...(only !== undefined && { only }),
    ...(save !== undefined && { save }),
  };
  const child = fork(options.program, [...(options.args ?? [])], {
    execArgv: [`--max-old-space-size=${heapMiB}`, "--enable-source-maps"],
    // What cases leave in the folder for temporary files goes with it, even after a crash.
    env: { ...process.env, TMPDIR: folder, TEMP: folder },
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  try {
    child.send(order);
    return await answerOf(child, order);
  } finally {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

function answerOf(child: ChildProcess, { progressFile, from }: Order): Promise<Done> {
  const errors: string[] = [];
  child.stderr?.on("data", (data) => errors.push(String(data)));
  return new Promise((resolve, reject) => {
    let shown = "";
    let since = Date.now();
    let killed: string | undefined;
    const watch = setInterval(() => {
      const now = progressOf(progressFile);
      if (now !== shown) [shown, since] = [now, Date.now()];
      else if (Date.now() - since > hangMs) killed ??= `no end within ${hangMs / 1000} s`;
      if (memoryMiB(child.pid) > emergencyMiB) killed ??= `more than ${emergencyMiB} MiB of memory`;
      if (killed !== undefined) child.kill("SIGKILL");
    }, 100);
    const end = (done: Done) => {
      clearInterval(watch);
      resolve(done);
    };
    child.on("message", (message) => end(message as Done));
    child.on("exit", (code, signal) => {
      if (code === brokenFuzzer) {
        clearInterval(watch);
        reject(new Error(`the fuzzer itself failed: ${errors.join("")}`));
        return;
      }
      const number = Number(progressOf(progressFile) || from);
      const how = killed ?? `the process ended: ${signal ?? `exit code ${code}`}\n${errors.join("").slice(-3000)}`;
      const findings = [{ number, kind: kindOf(number).name, problem: how }];
      end({ counts: {}, findings, next: number + 1, slowestMs: 0, peakMiB: 0 });
    });
  });
}

function progressOf(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return "";
  }
}

/** Memory of a process in use, where the system tells (Linux); else 0. */
function memoryMiB(pid: number | undefined): number {
  try {
    const [, pages] = readFileSync(`/proc/${pid}/statm`, "utf8").split(" ");
    return (Number(pages) * 4096) / 2 ** 20;
  } catch {
    return 0;
  }
}
