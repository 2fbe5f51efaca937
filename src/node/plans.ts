import { readFile } from "node:fs/promises";
import { parsePlan } from "../core/plan/planFile.ts";
import type { Plan } from "../core/plan/types.ts";
import { fileError } from "./errors.ts";

/**
 * Reads a plan file.
 * @throws SigmaQuantError SQ10xx when it can't be read, SQ5101 and SQ5102 when it is no plan
 */
export async function readPlan(file: string): Promise<Plan> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    throw fileError(error, file);
  }
  return parsePlan(text, file);
}
