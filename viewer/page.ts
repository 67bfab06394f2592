/** The page of a report: everything in it is made of the JSON that it brings. */
import { element } from "./draw/element.js";
import type { Report } from "./report.js";
import { State } from "./state/state.js";
import { budgetOf } from "./views/budget.js";
import { headOf } from "./views/head.js";
import { sheetsOf } from "./views/sheets.js";
import { treeOf } from "./views/tree.js";
import { typesOf } from "./views/types.js";

const report = JSON.parse(document.getElementById("report")?.textContent ?? "") as Report;
const state = new State(report);
document.title = `${report.title}: what fills its memory`;
document.body.append(
  headOf(report),
  element("main", {}, budgetOf(report), treeOf(state), typesOf(state), ...sheetsOf(report)),
  element("footer", {}, `Made by pymalloc ${report.madeBy}. Nothing here is loaded from anywhere.`),
);
