import process from "node:process";
import { type HostName, hostNames } from "../../../scripts/vscodeHost/versions.mjs";

/** The editors that this run is about: all, or those of `npm test -- --editor NAME`. For tests that start editors themselves. */
export function chosenEditors(): readonly HostName[] {
  const chosen = process.env.SIGMAQUANT_EDITORS?.split(",") ?? hostNames;
  return hostNames.filter((name) => chosen.includes(name));
}
