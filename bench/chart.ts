/** The results as a picture: an SVG document on a white ground, which is read in dark pages as well. */
import * as echarts from "echarts";
import type { ProgramResult, PythonResults } from "./python.js";

const BLUE = "#1f6feb";
const INK = "#24292f";

interface Size {
  readonly width: number;
  readonly height: number;
}

function draw(size: Size, option: echarts.EChartsCoreOption): string {
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, ...size });
  chart.setOption({ animation: false, backgroundColor: "#ffffff", ...option });
  const svg = chart.renderToSVGString();
  chart.dispose();
  // Only for a pointer over a bar.
  return `${svg.replace(/ class="[^"]*"/g, "").replace(/<style[\s\S]*<\/style>\n/, "")}\n`;
}

const LABEL = { fontSize: 14, color: INK };

/** How far a bar reaches from the stock interpreter's line; a label has room behind the longest one. */
const SCALE = { min: -0.18, max: 0.03, interval: 0.05 };

/**
 * Bars for each program, and for the mean of them: how far time and peak heap of Python are from a stock Pyodide's when
 * pymalloc is linked in. The longest gain is on top.
 */
export function drawPython({ programs, means, pyodide }: PythonResults): string {
  type Key = "linkedOfMinima" | "linkedHeapRatio";
  const gain = ({ linkedOfMinima, linkedHeapRatio }: ProgramResult) =>
    linkedOfMinima * linkedHeapRatio;
  // The first of an axis is the lowest one.
  const sorted = [...programs].sort((a, b) => gain(b) - gain(a));
  const names = ["mean", ...sorted.map(({ name }) => name.replaceAll("_", " "))];
  const panel = (key: Key, index: number, color: string) => ({
    type: "bar",
    xAxisIndex: index,
    yAxisIndex: index,
    barWidth: 17,
    data: [means, ...sorted].map((result, at) => ({
      value: result[key] - 1,
      itemStyle: { color: at === 0 ? INK : color },
      label: {
        ...LABEL,
        show: true,
        position: result[key] < 1 ? "left" : "right",
        formatter: result[key].toFixed(2),
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
  const value = {
    ...SCALE,
    type: "value",
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
  return draw(
    { width: 800, height: 430 },
    {
      title: [
        { ...title, text: "Time", left: 262, top: 44 },
        { ...title, text: "Peak heap", left: 626, top: 44 },
        {
          ...title,
          text: `Python with pymalloc linked in. The line: stock Pyodide ${pyodide} = 1; less is better`,
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
      series: [panel("linkedOfMinima", 0, BLUE), panel("linkedHeapRatio", 1, "#2da44e")],
    },
  );
}
