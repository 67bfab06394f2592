import { testLinked } from "../support/link-suite.js";

// Its CPython is 0.29's, whose blocks and snapshots are looked at.
testLinked("pyodide-028");
