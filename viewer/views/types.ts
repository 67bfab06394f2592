/** The types, and what the instances of one are held by. */
import { bar } from "../draw/bar.js";
import { button, element, section } from "../draw/element.js";
import { bytes, whole } from "../draw/text.js";
import { Most, type TypeRow } from "../report.js";
import type { State } from "../state/state.js";
import { Table } from "./table.js";

export function typesOf(state: State): HTMLElement {
  const { types, typesLeft } = state.report;
  const numbers = new Map(types.map((type, at) => [type, at]));
  const choose = (row: TypeRow) =>
    button(row.name, () => state.type.set(numbers.get(row) as number), { class: "name" });
  const table = new Table<TypeRow>(
    "Types",
    [
      { name: "type", unit: "text", value: ({ name }) => name, show: choose },
      { name: "objects", unit: "count", value: ({ count }) => count },
      { name: "own", unit: "bytes", value: ({ own }) => own },
      { name: "retained", unit: "bytes", value: ({ retained }) => retained, bar: true },
    ],
    types,
    3,
    (row) => numbers.get(row) === state.type.value,
  );
  const filter = element("input", {
    type: "search",
    placeholder: "filter by name",
    "aria-label": "Filter types by name",
    spellcheck: "false",
  });
  filter.addEventListener("input", () => {
    const wanted = filter.value.toLowerCase();
    table.rows = types.filter(({ name }) => name.toLowerCase().includes(wanted));
  });
  const holders = element("div", {
    class: "holders",
    role: "region",
    "aria-live": "polite",
    "aria-label": "Holders",
  });
  state.type.watch((at) => {
    holders.replaceChildren(...holdersOf(types[at]));
    table.draw();
  });
  const cut =
    typesLeft > 0
      ? ` The ${whole(Most.types)} that retain most; ${whole(typesLeft)} are left out.`
      : "";
  return section(
    "types",
    "Types",
    `Own bytes are those of the objects; retained ones would be free with them.${cut} Press a type to see who holds it.`,
    filter,
    element("div", { class: "beside" }, table.element, holders),
  );
}

/** What holds the objects of a type, most of them first. */
function holdersOf(type: TypeRow | undefined): Node[] {
  if (type === undefined) return [];
  const { name, count, retained, holders, holdersLeft = 0 } = type;
  const head = element("h3", {}, `Who holds ${name}`);
  const size = element(
    "p",
    { class: "meaning" },
    `${whole(count)} objects, ${bytes(retained)} retained`,
  );
  if (holders === undefined) {
    const most = whole(Most.held);
    return [
      head,
      size,
      element("p", {}, `The report has the holders of the ${most} types that retain most.`),
    ];
  }
  if (holders.length === 0)
    return [head, size, element("p", {}, "Nothing that is known holds them.")];
  const rows = holders.map((holder) =>
    element(
      "li",
      {},
      element("code", {}, holder.path),
      element("span", { class: "bytes" }, `${whole(holder.count)}, ${bytes(holder.bytes)}`),
      bar(holder.count / count),
    ),
  );
  const more = holdersLeft > 0 ? [element("p", {}, `and ${whole(holdersLeft)} other ways`)] : [];
  return [head, size, element("ol", {}, ...rows), ...more];
}
