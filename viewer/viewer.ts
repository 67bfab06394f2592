/** Reports of a snapshot: as tables, and as a page that needs nothing else. */

export { renderReport } from "./html.js";
export { partsOf } from "./parts.js";
export { Most, type Report, type Sheet, type Unit } from "./report.js";
export { reportOf } from "./report-of.js";
export {
  containersSheet,
  cyclesSheet,
  dominatorsSheet,
  duplicatesSheet,
  pinsSheet,
  typesSheet,
  unreachableSheet,
} from "./sheets.js";
