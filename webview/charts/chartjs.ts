/** The only file that knows chart.js: registers what the charts use, so that the rest is left out of the bundle. */
import {
  BarController,
  BarElement,
  Chart,
  type ChartConfiguration,
  type ChartDataset,
  type ChartOptions,
  LinearScale,
  LineController,
  LineElement,
  LogarithmicScale,
  type Plugin,
  PointElement,
} from "chart.js";

Chart.register(BarController, BarElement, LineController, LineElement, PointElement, LinearScale, LogarithmicScale);

/** Bars and lines in one chart. */
export type MixedChart = Chart<"bar" | "line">;
export type MixedDataset = ChartDataset<"bar" | "line">;
export type MixedOptions = ChartOptions<"bar" | "line">;
export type MixedPlugin = Plugin<"bar" | "line">;

export function makeChart(
  canvas: HTMLCanvasElement,
  datasets: MixedDataset[],
  options: MixedOptions,
  plugin: MixedPlugin,
): MixedChart {
  const config: ChartConfiguration<"bar" | "line"> = { type: "bar", data: { datasets }, options, plugins: [plugin] };
  return new Chart(canvas, config);
}
