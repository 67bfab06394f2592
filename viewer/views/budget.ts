import { colorOfPart } from "../draw/colors.js";
import { element, section } from "../draw/element.js";
import { bytes, percent } from "../draw/text.js";
import type { Report } from "../report.js";

/** Where every byte of the memory is. */
export function budgetOf({ memory }: Report): HTMLElement {
  const { total, maximum, limit, note } = memory;
  const parts = memory.parts.filter((part) => part.bytes > 0);
  const groups = [...new Set(parts.map(({ group }) => group))];
  const colored = parts.map((part) => ({
    ...part,
    title: part.group === part.name ? part.name : `${part.group}: ${part.name}`,
    color: colorOfPart(groups.indexOf(part.group), part.name),
    share: part.bytes / total,
  }));
  const limits = [
    ...(maximum > 0 ? [`It may grow to ${bytes(maximum)}.`] : []),
    ...(limit > 0 ? [`Its limit is ${bytes(limit)}.`] : []),
    ...(note === "" ? [] : [note]),
  ];
  return section(
    "memory",
    "Memory",
    [`All ${bytes(total)} of the memory, part by part.`, ...limits].join(" "),
    element(
      "div",
      { class: "stack", "aria-hidden": "true" },
      ...colored.map(({ title, color, share }) =>
        element("span", {
          style: `flex-grow:${share};background-color:${color}`,
          title: `${title}, ${percent(share)}`,
        }),
      ),
    ),
    element(
      "ul",
      { class: "legend" },
      ...colored.map(({ title, color, share, bytes: size }) =>
        element(
          "li",
          {},
          element("span", { class: "key", style: `background-color:${color}` }),
          element("span", { class: "name" }, title),
          element("span", { class: "bytes" }, bytes(size)),
          element("span", { class: "share" }, percent(share)),
        ),
      ),
    ),
  );
}
