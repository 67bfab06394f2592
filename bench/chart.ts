/** The results as a picture: an SVG document on a white ground, which is read in dark pages as well. */
import * as echarts from "echarts";
import type { ProgramResult, PythonResults } from "./python.js";

const BLUE = "#1f6feb";
const INK = "#24292f";

const LABEL = { fontSize: 14, color: INK };

type Ratios = Pick<ProgramResult, "linked" | "linkedHeap">;

/**
 * Bars for each program, and for the mean of them: how far time and peak heap of Python are from a stock Pyodide's when
 * pymalloc is linked in. The longest gain is on top.
 */
export function drawPython({ programs, means, pyodide }: PythonResults, engine: string): string {
  const gain = ({ linked, linkedHeap }: ProgramResult) => linked.mean * linkedHeap;
  // The first of an axis is the lowest one.
  const sorted = [...programs].sort((a, b) => gain(b) - gain(a));
  const names = ["mean", ...sorted.map(({ name }) => name.replaceAll("_", " "))];
  const panel = (of: (result: Ratios) => number, index: number, color: string) => ({
    type: "bar",
    xAxisIndex: index,
    yAxisIndex: index,
    barWidth: 17,
    data: [means, ...sorted].map((result, at) => ({
      value: of(result) - 1,
      itemStyle: { color: at === 0 ? INK : color },
      label: {
        ...LABEL,
        show: true,
        position: of(result) < 1 ? "left" : "right",
        formatter: of(result).toFixed(2),
        fontWeight: at === 0 ? "bold" : "normal",
      },
    })),
    markLine: {
      symbol: "none",
      silent: true,
      label: { show: false },
      lineStyle: { color: INK, type: "solid", width: 1.5 },
      data: [{ xAxis: 0 }],
    },
  });
  const lowest = Math.min(...[means, ...programs].flatMap((of) => [of.linked.mean, of.linkedHeap]));
  const value = {
    type: "value",
    // A label has room behind the longest bar.
    min: 1.2 * (lowest - 1),
    max: 0.03,
    axisLabel: { show: false },
    splitLine: { show: false },
  };
  const category = {
    type: "category",
    data: names,
    axisTick: { show: false },
    axisLine: { show: false },
    axisLabel: LABEL,
    position: "left",
    offset: 4,
  };
  const title = { textStyle: { fontSize: 16, color: INK }, textAlign: "center" };
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width: 800, height: 430 });
  chart.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    title: [
      { ...title, text: "Time", left: 262, top: 44 },
      { ...title, text: "Peak heap", left: 626, top: 44 },
      {
        ...title,
        text: `Python with pymalloc linked in, ${engine}. The line: stock Pyodide ${pyodide} = 1; less is better`,
        left: 400,
        top: 10,
      },
    ],
    grid: [
      { left: 96, width: 340, top: 72, bottom: 14 },
      { left: 460, width: 320, top: 72, bottom: 14 },
    ],
    xAxis: [
      { ...value, gridIndex: 0 },
      { ...value, gridIndex: 1 },
    ],
    yAxis: [
      { ...category, gridIndex: 0 },
      { ...category, gridIndex: 1, axisLabel: { show: false } },
    ],
    series: [
      panel(({ linked }) => linked.mean, 0, BLUE),
      panel(({ linkedHeap }) => linkedHeap, 1, "#2da44e"),
    ],
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  // Only for a pointer over a bar.
  return `${svg.replace(/ class="[^"]*"/g, "").replace(/<style[\s\S]*<\/style>\n/, "")}\n`;
}
