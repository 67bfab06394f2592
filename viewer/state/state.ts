/** What the page remembers. */
import type { Report } from "../report.js";
import { Atom } from "./atom.js";
import { Forest } from "./forest.js";

export class State {
  readonly forest: Forest;
  /** The node of the dominator tree that is looked into. */
  readonly node = new Atom(0);
  /** The type whose holders are shown; an index into `report.types`, -1 for none. */
  readonly type: Atom<number>;

  constructor(readonly report: Report) {
    this.forest = new Forest(report);
    this.type = new Atom(report.types.findIndex(({ holders }) => holders !== undefined));
  }
}
