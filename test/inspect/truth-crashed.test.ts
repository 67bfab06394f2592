/** An interpreter that crashed runs no Python any more; its memory still says what it was full of. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { takeSnapshot } from "../../inspect/inspect.js";
import { install } from "../../python/install.js";
import { crash, load } from "../support/pyodide.js";

const ORDERS = 2000;

/**
 * Frees objects that are in use, so that others get their blocks, and then reads where no memory is. What comes of a program
 * that goes on from there nobody knows: it may end in many ways, or never.
 */
const WILD = `
import ctypes
import gc

class Order:
    def __init__(self, number):
        self.number = number
        self.lines = [str(number), [number]]

ORDERS = {number: Order(number) for number in range(${ORDERS})}

free = ctypes.pythonapi.PyObject_Free
free.argtypes, free.restype = [ctypes.c_size_t], None
nowhere = ctypes.c_int.from_address(0xF0000000)

def crash():
    floats = [n / 7 for n in range(2000)]
    for address in [id(held) for held in floats[::50]]:
        free(address)
    more = [(n / 3, str(n)) for n in range(40)]
    return nowhere.value

crash()
`;

for (const way of ["stock", "installed"] as const) {
  test(`the memory of a crashed interpreter is looked at: ${way}`, async () => {
    const pyodide = await load("pyodide");
    if (way === "installed") install(pyodide);
    const { message } = crash(pyodide, WILD);
    assert.match(message, /out of bounds/);
    assert.throws(() => pyodide.runPython("1"), /fatally failed/);

    const snapshot = takeSnapshot(pyodide);
    const orders = snapshot.types().find(({ type }) => type === "__main__.Order");
    assert.equal(orders?.count, ORDERS);
    const [order] = snapshot.find("__main__.Order");
    assert.ok(order !== undefined);
    const [path] = snapshot.pathsTo(order, { limit: 1 });
    assert.match(String(path), /ORDERS.*Order/s);
    const running = snapshot.types().find(({ type }) => type === "function");
    assert.ok((running?.count ?? 0) > 4000);
  });
}
