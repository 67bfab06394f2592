/** The treemap, drawn by Apache ECharts (docs/licenses.md). */
import { TreemapChart } from "echarts/charts";
import { TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import type { State } from "../state/state.js";
import { colorOf } from "./colors.js";
import { element } from "./element.js";
import { bytes, percent, whole } from "./text.js";

use([TreemapChart, TooltipComponent, CanvasRenderer]);

/** Levels below the node that is looked into. */
const DEPTH = 2;

/** Tiles of one node: the rest of it is one tile. */
const TILES = 60;

interface Tile {
  /** The node; undefined for the rest of one. */
  readonly id: string | undefined;
  readonly node: number | undefined;
  readonly name: string;
  readonly value: number;
  readonly itemStyle: { readonly color: string; readonly borderColor: string };
  readonly children?: readonly Tile[];
}

function tileOf({ forest }: State, node: number): Omit<Tile, "children"> {
  return {
    id: String(node),
    node,
    name: forest.title(node),
    value: forest.retained(node),
    itemStyle: itemStyleOf(forest.type(node)),
  };
}

/** The border is where the name of a tile with others in it stands. */
function itemStyleOf(type: number): Tile["itemStyle"] {
  const color = colorOf(type);
  return { color, borderColor: color };
}

function tilesIn(state: State, node: number, depth: number): Tile[] {
  const { forest } = state;
  const children = forest.children(node);
  const tiles: Tile[] = children.slice(0, TILES).map((child) => {
    const inner = depth > 1 && forest.children(child).length > 0;
    return {
      ...tileOf(state, child),
      ...(inner ? { children: tilesIn(state, child, depth - 1) } : {}),
    };
  });
  const more = children.slice(TILES).reduce((sum, child) => sum + forest.retained(child), 0);
  const extra = (name: string, value: number) => {
    if (value > 0)
      tiles.push({
        id: undefined,
        node: undefined,
        name,
        value,
        itemStyle: itemStyleOf(-1),
      });
  };
  extra(node === 0 ? "" : `${forest.typeName(node)} itself`, forest.own(node));
  extra("smaller objects", more + forest.rest(node));
  return tiles;
}

/** What ECharts is told. */
function optionOf(
  style: CSSStyleDeclaration,
  data: Tile[],
  tooltip: (data: unknown) => HTMLElement,
) {
  const surface = style.getPropertyValue("--surface");
  const { fontFamily } = style;
  const text = { color: "#fff", fontFamily, fontSize: 12, lineHeight: 16, overflow: "truncate" };
  const labelOf =
    (between: string) =>
    ({ name, value }: { name: string; value: number }) =>
      `${name}${between}${bytes(value)}`;
  return {
    animation: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    animationDuration: 200,
    animationDurationUpdate: 200,
    tooltip: {
      formatter: ({ data }: { data: unknown }) => tooltip(data),
      confine: true,
      backgroundColor: surface,
      borderColor: style.getPropertyValue("--line"),
      textStyle: { color: style.getPropertyValue("--ink"), fontFamily },
    },
    series: [
      {
        type: "treemap",
        ...{ left: 0, right: 0, top: 0, bottom: 0 },
        roam: false,
        nodeClick: false,
        breadcrumb: { show: false },
        visibleMin: 30,
        label: { ...text, position: [5, 5], formatter: labelOf("\n") },
        upperLabel: { ...text, show: true, height: 22, formatter: labelOf("  ") },
        levels: [
          {
            upperLabel: { show: false },
            itemStyle: { borderColor: surface, borderWidth: 0, gapWidth: 3 },
          },
          { itemStyle: { borderWidth: 2, gapWidth: 1 } },
        ],
        data,
      },
    ],
  };
}

/** Draws the node that is looked into, and goes where somebody clicks. */
export function drawTreemap(into: HTMLElement, state: State): void {
  const chart = init(into, undefined, { renderer: "canvas" });
  const { forest } = state;
  const total = forest.retained(0);

  function tooltip(data: unknown): HTMLElement {
    const { node, name, value } = data as Tile;
    const lines = [`${bytes(value)} retained, ${percent(value / total)}`];
    if (node !== undefined) {
      const count = forest.count(node);
      if (count > 1) lines.push(`${whole(count)} objects`);
      lines.push(`${bytes(forest.own(node))} of its own`);
    }
    return element(
      "div",
      { class: "tip" },
      element("b", {}, name),
      ...lines.map((line) => element("div", {}, line)),
    );
  }

  function draw(node: number): void {
    const option = optionOf(getComputedStyle(into), tilesIn(state, node, DEPTH), tooltip);
    chart.setOption(option, true);
    const name = forest.name(node);
    into.setAttribute("aria-label", `Treemap of ${name}; the list beside it says the same`);
  }

  chart.on("click", ({ data }) => {
    const { node } = data as unknown as Tile;
    if (node !== undefined && forest.children(node).length > 0) state.node.set(node);
    if (node !== undefined && forest.type(node) >= 0) state.type.set(forest.type(node));
  });
  state.node.watch(draw);
  new ResizeObserver(() => chart.resize()).observe(into);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
    draw(state.node.value),
  );
}
