/** Blocks and budgets of Pyodide 0.29. */
import { testLine } from "../support/budget-suite.js";

testLine("pyodide-029");
