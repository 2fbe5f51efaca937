/** Runs a program that must not hang: after its time, and when this process is interrupted, it ends with all that it started. */
import { spawn } from "node:child_process";
import process from "node:process";
import { root, run } from "./run.mjs";

/** Time to close files and say what was going on, before the signal that can't be refused. */
const graceMs = 5_000;

/** What shells report for a program that Ctrl-C ended. */
const interruptedCode = 130;

/**
 * Runs a JavaScript file with this Node in a process group of its own. What it prints is passed on; it has no standard input.
 * @param {string} file
 * @param {readonly string[]} args
 * @param {{ timeoutMs: number, env?: Record<string, string> }} how
 * @returns {Promise<{ code: number | undefined, timedOut: boolean }>} `code` is undefined where a signal ended it
 */
export function timedRun(file, args, { timeoutMs, env = {} }) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file, ...args], {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ["ignore", "inherit", "inherit"],
      // On Windows this would open a console of its own; there the tree is found by taskkill.
      detached: process.platform !== "win32",
    });
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      signalGroup(child.pid, "SIGTERM");
      setTimeout(() => signalGroup(child.pid, "SIGKILL"), graceMs).unref();
    }, timeoutMs);
    const kill = () => signalGroup(child.pid, "SIGKILL");
    // A group of its own does not get the terminal's Ctrl-C.
    const interrupted = () => {
      signalGroup(child.pid, "SIGTERM");
      process.exit(interruptedCode);
    };
    const signals = /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]);
    for (const signal of signals) process.on(signal, interrupted);
    process.once("exit", kill);
    const settle = () => {
      clearTimeout(timer);
      process.off("exit", kill);
      for (const signal of signals) process.off(signal, interrupted);
      // Whatever it started and forgot.
      kill();
    };
    child.once("error", (error) => {
      settle();
      reject(error);
    });
    child.once("exit", (code) => {
      settle();
      resolve({ code: code ?? undefined, timedOut });
    });
  });
}

/** @param {number | undefined} leader @param {NodeJS.Signals} signal */
function signalGroup(leader, signal) {
  if (leader === undefined) return;
  if (process.platform === "win32") {
    run("taskkill", ["/pid", String(leader), "/t", "/f"], { quiet: true }).catch(() => undefined);
    return;
  }
  try {
    process.kill(-leader, signal);
  } catch {
    // Nobody is left in the group.
  }
}
