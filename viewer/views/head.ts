import { element } from "../draw/element.js";
import { bytes, whole } from "../draw/text.js";
import type { Report } from "../report.js";

/** What it is, and the numbers that say how large. */
export function headOf({
  title,
  subject,
  note,
  time,
  memory,
  objects,
  types,
  typesLeft,
}: Report): HTMLElement {
  const facts: [name: string, value: string][] = [
    ["memory", bytes(memory.total)],
    ["objects", whole(objects)],
    ["types", whole(types.length + typesLeft)],
    ["available without growing", bytes(memory.available)],
  ];
  return element(
    "header",
    {},
    element("h1", {}, title),
    element(
      "p",
      { class: "meaning" },
      `${subject}, ${new Date(time).toLocaleString()}, on ${memory.allocator}`,
    ),
    ...(note === "" ? [] : [element("p", { class: "meaning" }, note)]),
    element(
      "dl",
      { class: "facts" },
      ...facts.map(([name, value]) =>
        element("div", {}, element("dt", {}, name), element("dd", {}, value)),
      ),
    ),
  );
}
