import { readdirSync, readFileSync } from "node:fs";

/** A process that runs (Linux only); one that has ended and waits for its parent to notice is none. */
interface RunningProcess {
  readonly pid: number;
  readonly parent: number;
}

/** All that a process has started, and what that has started, and so on. */
export function descendants(of: number): readonly number[] {
  const all = runningProcesses();
  const below = (parent: number): readonly number[] =>
    all.filter((one) => one.parent === parent).flatMap(({ pid }) => [pid, ...below(pid)]);
  return below(of);
}

/** Those that run now. */
export function stillRunning(pids: readonly number[]): readonly number[] {
  const running = new Set(runningProcesses().map(({ pid }) => pid));
  return pids.filter((pid) => running.has(pid));
}

function runningProcesses(): readonly RunningProcess[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const stat = statOf(name);
      if (stat === undefined) return [];
      // "pid (name, which may hold anything) state parent ..."
      const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return state === "Z" ? [] : [{ pid: Number(name), parent: Number(parent) }];
    });
}

function statOf(pid: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    // It ended since the folder was listed.
    return undefined;
  }
}

/** Ticks of processor time (1/100 s) that a process has used so far; undefined once it has ended. */
export function cpuTicks(pid: number): number | undefined {
  // "pid (name) state parent ...": user and system time are fields 14 and 15.
  const stat = statOf(String(pid));
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields && Number(fields[11]) + Number(fields[12]);
}

/** Whether a file (a shared library, say) is mapped into a process. */
export function hasLoaded(pid: number, part: string): boolean {
  return readFileSync(`/proc/${pid}/maps`, "utf8").includes(part);
}

/** A process's program and arguments. */
export function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  } catch {
    return "";
  }
}
