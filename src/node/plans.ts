import { parsePlan } from "../core/plan/planFile.ts";
import type { Plan } from "../core/plan/types.ts";
import { readText } from "./files.ts";

/**
 * Reads a plan file.
 * @throws SigmaQuantError as readText when it can't be read, SQ5101 and SQ5102 when it is no plan
 */
export async function readPlan(file: string): Promise<Plan> {
  return parsePlan(await readText(file), file);
}
