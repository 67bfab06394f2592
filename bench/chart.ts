/** The traces' results as a picture. */
import * as echarts from "echarts";
import type { TraceResults } from "./traces.js";

const WIDTH = 900;
const HEIGHT = 760;

/** Bars for each trace and allocator: time over used memory, and memory. An SVG document. */
export function renderChart({ traces, means }: TraceResults): string {
  const names = traces.map(({ name }) => name.replaceAll("_", " "));
  const chart = echarts.init(null, null, {
    renderer: "svg",
    ssr: true,
    width: WIDTH,
    height: HEIGHT,
  });
  const series = means.flatMap(({ title }, index) => [
    {
      name: title,
      type: "bar" as const,
      data: traces.map(({ results }) => results[index]?.warm.ratio ?? 0),
    },
    {
      name: title,
      type: "bar" as const,
      xAxisIndex: 1,
      yAxisIndex: 1,
      data: traces.map(({ results }) => results[index]?.perLiveByte ?? 0),
    },
  ]);
  const category = { type: "category" as const, data: names, axisLabel: { rotate: 30 } };
  chart.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    color: ["#1f6feb", "#8c959f", "#bf8700", "#54aeff", "#d0d7de"],
    title: [
      { text: "Time, dlmalloc = 1 (less is better)", left: "center", top: 36 },
      { text: "Memory taken / peak live bytes (cut at 4)", left: "center", top: 400 },
    ],
    legend: { top: 4, data: means.map(({ title }) => title) },
    grid: [
      { left: 50, right: 20, top: 72, height: 230 },
      { left: 50, right: 20, top: 436, height: 230 },
    ],
    xAxis: [
      { ...category, gridIndex: 0 },
      { ...category, gridIndex: 1 },
    ],
    yAxis: [
      { type: "value", gridIndex: 0 },
      { type: "value", gridIndex: 1, max: 4 },
    ],
    series,
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${svg}\n`;
}
