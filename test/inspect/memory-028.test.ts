/** Blocks and budgets of Pyodide 0.28. */
import { testLine } from "../support/budget-suite.js";

testLine("pyodide-028");
