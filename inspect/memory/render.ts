/** A budget for a terminal. */
import type { Budget } from "./budget.js";

/** Decimal ones, as elsewhere in this package. */
function megabytes(bytes: number): string {
  const [whole = "", tenth] = (bytes / 1e6).toFixed(1).split(".");
  return `${whole.replace(/\B(?=(\d{3})+$)/g, ",")}.${tenth} MB`;
}

/** A bar that takes this share of the width, to an eighth of a character. */
function bar(share: number, width: number): string {
  const eighths = Math.round(share * width * 8);
  return "█".repeat(Math.floor(eighths / 8)) + ["", ..."▏▎▍▌▋▊▉"][eighths % 8];
}

/** The parts of a budget in words, in the order of what they are for. */
function rowsOf({ parts }: Budget): readonly (readonly [label: string, bytes: number])[] {
  const { pools, system } = parts;
  return [
    ["program", parts.program],
    ["C stack", parts.stack],
    ["pools, in use", pools.inUse],
    ["pools, free", pools.free],
    ["pools, headers", pools.headers],
    ["pools, unused", pools.unused],
    ["malloc, in use", system.inUse],
    ["malloc, free", system.free],
    ["malloc, overhead", system.overhead],
    ["allocator's tables", parts.tables],
    ["other", parts.other],
    ["not used yet", parts.untouched],
  ];
}

/** The text that says where all bytes of a memory are; its bars reach up to `columns`. Parts of no bytes are left out. */
export function renderBudget(budget: Budget, columns = 80): string {
  const { total, maximum, limit, largestFree, available, allocator, note } = budget;
  const rows = rowsOf(budget).filter(([, bytes]) => bytes > 0);
  const labels = Math.max(...rows.map(([label]) => label.length), 0);
  const most = Math.max(...rows.map(([, bytes]) => bytes), 1);
  const lines = rows.map(([label, bytes]) => {
    const share = `${((100 * bytes) / total).toFixed(1)} %`.padStart(7);
    const left = `  ${label.padEnd(labels)}  ${megabytes(bytes).padStart(10)}  ${share}  `;
    return (left + bar(bytes / most, Math.max(columns - left.length, 10))).trimEnd();
  });
  const bound = maximum === 0 ? "" : `, at most ${megabytes(maximum)}`;
  const limited = limit === 0 ? "" : `, limited to ${megabytes(limit)}`;
  return [
    `memory     ${megabytes(total)}${bound}${limited}`,
    `allocator  ${allocator || "unknown"}`,
    `free       ${megabytes(available)} without growing, ${megabytes(largestFree)} in one piece`,
    ...(note === "" ? [] : [`note       ${note}`]),
    "",
    ...lines,
    "",
  ].join("\n");
}
