/** A snapshot of an interpreter that has run the programs, with what Python says of the same moment. */
import { type Snapshot, takeSnapshot } from "../../../inspect/inspect.js";
import { install } from "../../../python/install.js";
import { loadLinked } from "../linked.js";
import { load } from "../pyodide.js";
import { PROGRAMS, type Truth, Witness } from "./witness.js";

/** Which allocators an interpreter has. */
export const WAYS = ["stock", "installed", "linked", "debug"] as const;
export type Way = (typeof WAYS)[number];

/** Runs programs in an interpreter (none for all of them), and takes a snapshot with Python's word for it. */
export async function testimony(
  name: string,
  way: Way,
  programs: readonly string[] = [],
): Promise<{ readonly snapshot: Snapshot; readonly truth: Truth }> {
  const pyodide = way === "linked" ? await loadLinked(name) : await load(name);
  if (way === "installed") install(pyodide);
  if (way === "debug") install(pyodide, { malloc: "debug" });
  const witness = new Witness(pyodide);
  for (const program of programs.length > 0 ? programs : PROGRAMS.keys()) witness.run(program);
  const { seen, truth } = witness.testify(() => takeSnapshot(pyodide, { copy: true }));
  return { snapshot: seen, truth };
}
