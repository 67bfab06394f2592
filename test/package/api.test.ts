/** The reports of the public surface, which are in version control: a change of it has to show there. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { reportApi } from "../../tools/api-report.js";

test("the API reports are those of what is built, and each name has a docstring", () => {
  assert.deepEqual(reportApi({ write: false }), []);
});
