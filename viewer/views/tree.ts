/** Who keeps what alive: the dominator tree as a treemap, and as a list that a keyboard reaches. */
import { bar } from "../draw/bar.js";
import { colorOf } from "../draw/colors.js";
import { button, element, section } from "../draw/element.js";
import { bytes, whole } from "../draw/text.js";
import { drawTreemap } from "../draw/treemap.js";
import { Most } from "../report.js";
import type { State } from "../state/state.js";

/** Rows of the list. */
const ROWS = 100;

export function treeOf(state: State): HTMLElement {
  const { forest, report } = state;
  const way = element("nav", { class: "way", "aria-label": "Where you are" });
  const list = element("ul", { class: "children" });
  const map = element("div", { class: "treemap", role: "img" });

  function go(node: number): void {
    state.node.set(node);
    // The pressed button is gone: the keyboard stays in this place.
    way.querySelector<HTMLElement>("[aria-current]")?.focus();
  }

  function rowOf(node: number): HTMLElement {
    const name = forest.name(node);
    const inner = forest.children(node).length;
    const label =
      inner > 0
        ? button(name, () => go(node), { class: "name" })
        : element("span", { class: "name" }, name);
    return element(
      "li",
      {},
      element("span", { class: "key", style: `background-color:${colorOf(forest.type(node))}` }),
      label,
      element("span", { class: "bytes" }, bytes(forest.retained(node))),
      ...(forest.held(node) === "" ? [] : [element("span", { class: "held" }, forest.held(node))]),
      bar(forest.retained(node) / forest.retained(state.node.value)),
    );
  }

  function plainRow(name: string, size: number): HTMLElement[] {
    if (size <= 0) return [];
    const key = element("span", { class: "key", style: `background-color:${colorOf(-1)}` });
    const [text, value] = [
      element("span", { class: "name rest" }, name),
      element("span", { class: "bytes" }, bytes(size)),
    ];
    return [element("li", {}, key, text, value, bar(size / forest.retained(state.node.value)))];
  }

  state.node.watch((node) => {
    const steps = forest.way(node).map((step) => {
      const here = step === node;
      return element(
        "li",
        {},
        button(forest.name(step), () => go(step), here ? { "aria-current": "location" } : {}),
      );
    });
    way.replaceChildren(element("ol", {}, ...steps));
    const children = forest.children(node);
    const hidden = children.slice(ROWS);
    const hiddenBytes = hidden.reduce((sum, child) => sum + forest.retained(child), 0);
    list.replaceChildren(
      ...plainRow(node === 0 ? "what no object is" : "itself", forest.own(node)),
      ...children.slice(0, ROWS).map(rowOf),
      ...plainRow(`${whole(hidden.length)} smaller ones`, hiddenBytes),
      ...plainRow("smaller objects", forest.rest(node)),
    );
  });

  const shown = report.tree.parents.length;
  const cut =
    shown >= Most.nodes ? ` These are the ${whole(Most.nodes)} largest nodes of the tree.` : "";
  const part = section(
    "tree",
    "Who keeps what alive",
    `An object retains what would be free if it were: its tile is as large. Go into one with a press.${cut}`,
    way,
    element("div", { class: "beside" }, map, list),
  );
  // It measures its place, which it has when it is in the page.
  requestAnimationFrame(() => drawTreemap(map, state));
  return part;
}
