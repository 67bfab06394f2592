/** What is wrong without being a block's fault: in a guest linked --with-pydebug it is said in a host's words, else it is a trap. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { linkGuest } from "../../link/index.js";
import { createHeap } from "../../src/index.js";
import { buildGuest, type Exports, exportsOf, reasonToSkip } from "../support/guests.js";
import { LinkedGuest } from "../support/linked-guests.js";

/** Function, its argument, and what a host says, addresses apart. */
const wrong: readonly (readonly [name: string, argument: number, message: RegExp])[] = [
  ["die", 1, /^RangeError: Py_INCREF: the object at 0x\w+ has 0 references, expected at least 1$/],
  ["die", 2, /^RangeError: Py_DECREF: .* has 0 references/],
  ["die", 3, /^RangeError: PyObject_Init: .* is dead and waits for its dealloc, expected memory/],
  ["die", 4, /^RangeError: PyObject_InitVar: .* is dead and waits/],
  ["die", 5, /^RangeError: PyObject_Del: .* is dead and waits for its dealloc, which frees it$/],
  ["get_domain", 3, /^TypeError: PyMem_GetAllocator: domain is 3, expected raw, mem or object/],
  ["get_domain", -1, /^TypeError: PyMem_GetAllocator: domain is -1, /],
  ["set_domain", 2 ** 31 - 1, /^TypeError: PyMem_SetAllocator: domain is 2147483647, /],
  ["set_without", 0, /^TypeError: PyMem_SetAllocator: malloc: the pointer is 0, expected one to/],
  ["set_without", 1, /^TypeError: PyMem_SetAllocator: calloc: /],
  ["set_without", 2, /^TypeError: PyMem_SetAllocator: realloc: /],
  ["set_without", 3, /^TypeError: PyMem_SetAllocator: free: /],
  ["set_arenas_without", 0, /^TypeError: PyObject_SetArenaAllocator: alloc: the pointer is 0/],
  ["set_arenas_without", 1, /^TypeError: PyObject_SetArenaAllocator: free: the pointer is 0/],
];

/** Without addresses. */
function shape(message: string): string {
  return message.replace(/0x[0-9a-f]+/g, "ADDRESS");
}

describe("what a linked guest may not do", { skip: reasonToSkip() }, () => {
  let hosted: Uint8Array<ArrayBuffer>;
  let plain: Uint8Array;
  let debug: Uint8Array;

  before(async () => {
    hosted = buildGuest(["dead.c"], { malloc: false });
    plain = await linkGuest(hosted);
    debug = await linkGuest(hosted, { withPydebug: true });
  });

  const inHost = (): Exports => exportsOf(createHeap().instantiate(hosted));

  for (const [name, argument, message] of wrong) {
    test(`${name}(${argument}): a host's words with --with-pydebug, else a trap`, () => {
      const guest = new LinkedGuest(debug, {});
      assert.throws(() => guest.call(name, argument), WebAssembly.RuntimeError);
      const report = guest.report();
      assert.ok(report.endsWith("\n"));
      assert.match(report.trimEnd(), message);
      assert.throws(
        () => inHost()[name]?.(argument),
        (error) => shape(String(error)) === shape(report.trimEnd()),
      );
      const bare = new LinkedGuest(plain, {});
      // What takes no function is only found out where that is called.
      if (name.endsWith("without")) bare.call(name, argument);
      else assert.throws(() => bare.call(name, argument), WebAssembly.RuntimeError);
    });
  }

  test("what is right is let pass", () => {
    for (const bytes of [plain, debug]) {
      const guest = new LinkedGuest(bytes, {});
      guest.call("die", 0);
      for (const domain of [0, 1, 2]) guest.call("get_domain", domain);
      guest.call("set_arenas_without", 2);
      guest.call("set_without", 4);
      guest.validate();
    }
    assert.equal(new LinkedGuest(debug, {}).report(), "");
  });
});
