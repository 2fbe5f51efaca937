import loadHighs from "highs";
import type { AllocationProblem } from "../../src/core/allocate/problem.ts";

/**
 * HiGHS reported "Optimal" up to 1e-4 off when the objective was about 1e-3: losses are scaled to about this in all.
 */
const objectiveSize = 1e2;
/** Its feasibility tolerance is 1e-6 absolute: at this size of the limits that is one part in 1e9. */
const limitSize = 1e3;

export interface HighsAnswer {
  /** "Optimal", "Infeasible", "Time limit reached", ... */
  readonly status: string;
  /** Index of the chosen choice per group; empty without a solution. */
  readonly choice: readonly number[];
}

/**
 * A function that solves an allocation as a mixed-integer program with HiGHS: one binary variable per choice, one of
 * each group's is 1. `relativeGap` is where it stops; 0 asks for a proof of optimality.
 */
export async function highsSolver(): Promise<
  (problem: AllocationProblem, relativeGap: number, seconds: number) => HighsAnswer
> {
  const highs = await loadHighs();
  return (problem, relativeGap, seconds) => {
    const solution = highs.solve(linearProgram(problem), { mip_rel_gap: relativeGap, time_limit: seconds });
    const columns = solution.Columns;
    const choice = problem.groups.map((group, g) =>
      group.findIndex((_, c) => {
        const column = columns[`x${g}_${c}`];
        return column !== undefined && "Primal" in column && (column.Primal ?? 0) > 0.5;
      }),
    );
    return { status: solution.Status, choice: choice.includes(-1) ? [] : choice };
  };
}

/** The program in CPLEX's LP format. */
function linearProgram({ groups, limits }: AllocationProblem): string {
  const lossScale = objectiveSize / groups.reduce((sum, group) => sum + Math.min(...group.map(({ loss }) => loss)), 0);
  const terms = (of: (g: number, c: number) => number) =>
    groups.map((group, g) => group.map((_, c) => `+ ${of(g, c)} x${g}_${c}`).join(" ")).join("\n  ");
  const rows = [
    ...limits.map((limit, k) => {
      const scaled = terms((g, c) => ((groups[g]?.[c]?.costs[k] ?? 0) / limit) * limitSize);
      return `limit${k}:\n  ${scaled}\n  <= ${limitSize}`;
    }),
    ...groups.map((group, g) => `one${g}: ${group.map((_, c) => `+ x${g}_${c}`).join(" ")} = 1`),
  ];
  const binaries = groups.map((group, g) => group.map((_, c) => `x${g}_${c}`).join(" ")).join("\n");
  const objective = terms((g, c) => (groups[g]?.[c]?.loss ?? 0) * lossScale);
  return `Minimize\nloss:\n  ${objective}\nSubject To\n${rows.join("\n")}\nBinary\n${binaries}\nEnd\n`;
}
