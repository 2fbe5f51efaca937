/**
 * Runs a program as the leader of a process group and ends the whole group when the pipe from whoever asked for it closes. A test run
 * that crashes or is killed outright closes its pipes too, so not even then are servers or extension hosts left behind.
 *
 * node guard.cjs PROGRAM ARGS...   (started detached, with a pipe as standard input)
 */
"use strict";
const { spawn } = require("node:child_process");

/** Time for the server to say good-bye, and for extension hosts after it. */
const graceMs = 2000;
const graceAfterServerMs = 200;

const [program = "", ...args] = process.argv.slice(2);
const child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit"] });

let ending = false;
function endGroup() {
  if (ending) return;
  ending = true;
  // This process is in the group too; it outlives the gentle signal to send the other one.
  signalGroup("SIGTERM");
  setTimeout(() => signalGroup("SIGKILL"), graceMs);
}

/** @param {NodeJS.Signals} signal */
function signalGroup(signal) {
  try {
    process.kill(-process.pid, signal);
  } catch {
    process.exit();
  }
}

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, endGroup);
process.stdin.on("end", endGroup).on("error", endGroup).resume();
// Extension hosts may outlive their server.
child.on("error", endGroup).on("exit", () => {
  endGroup();
  setTimeout(() => signalGroup("SIGKILL"), graceAfterServerMs);
});
