import { testSnapshots } from "../support/link-snapshots.js";
import { testLinked } from "../support/link-suite.js";

testLinked("pyodide-028");
testSnapshots("pyodide-028");
