/** Blocks and budgets of Pyodide 0.27. */
import { testLine } from "../support/budget-suite.js";

testLine("pyodide-027");
