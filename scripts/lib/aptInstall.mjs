/** Installs a program that tests need, where that can be done without asking. */
import process from "node:process";
import { findOnPath, run } from "./run.mjs";

/** @returns {boolean} whether this is a Debian, and we are root */
export function canAptInstall() {
  return findOnPath("apt-get") !== undefined && process.getuid?.() === 0;
}

/**
 * @param {string} name of a Debian package
 * @throws where it can't be installed
 */
export async function aptInstall(name) {
  const apt = findOnPath("apt-get");
  if (apt === undefined) throw new Error("There is no apt-get.");
  console.log(`Installing ${name} (Debian's package)...`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const install = ["-o", "DPkg::Lock::Timeout=500", "install", "-y", "--no-install-recommends", name];
  // The lists of packages may be missing or old; they are only fetched where the first try fails.
  let result = await run(apt, install, { env, quiet: true });
  if (result.code !== 0) {
    await run(apt, ["-o", "DPkg::Lock::Timeout=500", "update"], { env, quiet: true });
    result = await run(apt, install, { env, quiet: true });
  }
  if (result.code !== 0) {
    throw new Error(`Installing ${name} with apt-get failed (exit ${result.code}):\n${result.output.slice(-2000)}`);
  }
}
