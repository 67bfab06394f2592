import { testLinked } from "./support/link-suite.js";

testLinked("pyodide-028");
