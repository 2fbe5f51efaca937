import path from "node:path";
import { root } from "../../scripts/lib/run.mjs";
import { formatTimeLeft } from "../../src/core/plan/format.ts";
import { TimeLeft } from "../../src/core/timeLeft.ts";
import type { Benchmark } from "../lib/benchmark.ts";
import { runChild } from "../lib/child.ts";
import { millis, percent } from "../lib/table.ts";
import { median } from "../lib/timing.ts";
import type { Analyzed, Told } from "./analyzeChild.ts";

/** Of the CPU time that all cores have; between two runs of the network there is a part that one thread does. */
const leastCpuUse = 0.7;
/** Of the stage's duration, from this part of it on. */
const maxOff = 0.2;
const onward = 1 / 3;
/** More than the default: a sweep that is over in three seconds shows no time left. */
const samples = 2000;

/** The sensitivity sweep on the bundled example: use of the cores, and how good the time left is that it shows. */
export const analyzeExample: Benchmark = async (detail) => {
  const example = (name: string) => path.join(root, "examples", name);
  const args = [example("mobilenetv2.onnx"), example("evaluation.npz"), `${samples}`];
  const { ms, cpuMs, cores, told } = await runChild<Analyzed>("speed/analyzeChild", args);
  const use = cpuMs / (ms * cores);
  const off = errorsOf(told, ({ at }) => at);
  // As if no other program had had a part of the cores.
  const ofCpu = errorsOf(told, ({ atCpu }) => atCpu);
  const text = (errors: readonly number[]) =>
    `median ${percent(median(errors))}, worst ${percent(Math.max(...errors))} of ${errors.length} times`;
  detail(`${millis(ms)}, ${millis(cpuMs)} of CPU time; time left by the CPU's clock off by ${text(ofCpu)}`);
  const what = `Analyze: sweep of the bundled example, ${samples} samples, 2 to 8 bits`;
  return [
    {
      what,
      bar: `${percent(leastCpuUse)} of the CPU time of all cores`,
      measured: `${percent(use)} of ${cores} cores`,
      met: use >= leastCpuUse,
    },
    {
      what: `${what}: time left as shown, from a third of the sweep on`,
      bar: `off by ${percent(maxOff)} of the sweep's duration`,
      measured: text(off),
      met: Math.max(...off) <= maxOff,
    },
  ];
};

/** |shown - real| / duration each time that progress was told, from a third of the stage on, where a time was shown. */
function errorsOf(all: readonly Told[], clock: (told: Told) => number): number[] {
  const told = all.filter(({ stage }) => stage === "Measuring");
  const [first, last] = [told[0], told.at(-1)];
  if (first === undefined || last === undefined) throw new Error("nothing was measured");
  const duration = clock(last) - clock(first);
  const left = new TimeLeft();
  return told.flatMap((each) => {
    const seconds = left.after(each, clock(each));
    if (seconds === undefined || clock(each) - clock(first) < duration * onward) return [];
    return [Math.abs(shown(seconds) * 1000 - (clock(last) - clock(each))) / duration];
  });
}

/** The number that a person reads, in seconds. */
function shown(seconds: number): number {
  const [, number, unit] = /(\d+) (s|min) left/.exec(formatTimeLeft(seconds)) ?? [];
  return Number(number) * (unit === "min" ? 60 : 1);
}
