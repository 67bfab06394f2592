import { element } from "./element.js";

/** A bar as long as its share of 0 to 1. */
export function bar(share: number): HTMLElement {
  const width = `${Math.min(Math.max(share * 100, 0.5), 100).toFixed(1)}%`;
  return element(
    "span",
    { class: "bar", "aria-hidden": "true" },
    element("span", { style: `width:${width}` }),
  );
}
