/** Reports of a snapshot: as tables, and as a page that needs nothing else. */

export { bytes } from "./draw/text.js";
export { type Holders, holdersOf } from "./holders-of.js";
export { renderReport } from "./html.js";
export { partsOf } from "./parts.js";
export { Most, type Report, type Sheet, type Unit } from "./report.js";
export { reportOf, subjectOf } from "./report-of.js";
export { dominatorsSheet, otherSheets, typesSheet } from "./sheets.js";
