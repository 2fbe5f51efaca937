import os from "node:os";
import process from "node:process";

/** The machine that figures are of, in one line: `AMD EPYC 7B13, 2 cores, 16 GB memory, Linux 6.1 x64, Node 20.19.0, 2026-01-31`. */
export function machine(date: Date = new Date()): string {
  const cpu = os.cpus()[0]?.model.trim().replace(/\s+/g, " ") || "unknown CPU";
  const cores = os.availableParallelism();
  return [
    cpu,
    `${cores} core${cores === 1 ? "" : "s"}`,
    `${Math.round(os.totalmem() / 2 ** 30)} GiB of memory`,
    `${os.type()} ${os.release().split(".").slice(0, 2).join(".")} ${process.arch}`,
    `Node ${process.versions.node}`,
    date.toISOString().slice(0, 10),
  ].join(", ");
}
