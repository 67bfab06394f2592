/**
 * Two snapshots of a Python program in the DevTools that Chromium has in it, as people see them.
 * UPDATE_DOCS=1 takes the pictures of the guide.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { type Browser, chromium, type Page } from "playwright-core";
import { takeSnapshot } from "../../inspect/inspect.js";
import { findChromium } from "../../tools/chromium.js";
import { onlyLong } from "../support/profile.js";
import { repository } from "../support/project.js";
import { load, type Pyodide } from "../support/pyodide.js";

const executable = findChromium();
const skip =
  executable === undefined && !process.env["CI"] ? "there is no Chromium here" : onlyLong;

const PROGRAM = `
import sys, types
app = sys.modules["app"] = types.ModuleType("app")
exec(compile('''
CACHE = {}

class Order:
    def __init__(self, number):
        self.number = number
        self.items = ["item %d" % (number + i) for i in range(4)]

def handle(number):
    CACHE["order %d" % number] = Order(number)
''', "app.py", "exec"), app.__dict__)
for number in range(1000):
    app.handle(number)
`;

const WIDTH = 1000;
const HEIGHT = 600;
/** Left of it stands the list of files, above it the tabs. */
const PANEL = { x: 200, y: 27, width: WIDTH - 200, height: HEIGHT - 27 };

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" ? (address?.port ?? 0) : 0));
    });
  });
}

/** All text of a page that is made of shadow trees. */
function textOf(page: Page): Promise<string> {
  return page.evaluate(() => {
    const found: string[] = [];
    const left: Node[] = [document.body];
    for (let node = left.pop(); node !== undefined; node = left.pop()) {
      if (node.nodeName === "STYLE") continue;
      if (node.nodeType === Node.TEXT_NODE) found.push(node.textContent ?? "");
      const shadow = (node as Element).shadowRoot;
      left.push(...[...(shadow ? [shadow] : []), ...node.childNodes].reverse());
    }
    return found
      .join(" ")
      .replace(/\s+/g, " ")
      .replace(/([@×]) /g, "$1");
  });
}

async function waitFor(page: Page, wanted: RegExp): Promise<void> {
  for (let tries = 0; tries < 160; tries++) {
    if (wanted.test(await textOf(page))) return;
    await setTimeout(250);
  }
  assert.match(await textOf(page), wanted);
}

describe("Chrome's DevTools", { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), "pymalloc-devtools-"));
  let browser: Browser;
  let page: Page;

  async function save(pyodide: Pyodide, name: string): Promise<string> {
    const pieces: Uint8Array[] = [];
    for await (const piece of takeSnapshot(pyodide).toHeapSnapshot()) pieces.push(piece);
    const path = join(folder, `${name}.heapsnapshot`);
    writeFileSync(path, Buffer.concat(pieces));
    return path;
  }

  async function picture(name: string): Promise<void> {
    if (!process.env["UPDATE_DOCS"]) return;
    await page.screenshot({ path: join(repository, "docs/guide", `${name}.png`), clip: PANEL });
  }

  before(async () => {
    const port = await freePort();
    const switches = `--headless --no-sandbox --disable-gpu --remote-allow-origins=*`.split(" ");
    browser = await chromium.launch({
      executablePath: executable as string,
      args: [...switches, `--remote-debugging-port=${port}`],
    });
    const context = await browser.newContext({ viewport: { width: WIDTH, height: HEIGHT } });
    await (await context.newPage()).goto(
      "data:text/html,<title>the page that is looked at</title>",
    );
    const address = `127.0.0.1:${port}`;
    const pages = (await (await fetch(`http://${address}/json/list`)).json()) as {
      readonly id: string;
      readonly url: string;
    }[];
    const target = pages.find(({ url }) => url.startsWith("data:"));
    const query = `ws=${address}/devtools/page/${target?.id}&panel=heap-profiler`;
    page = await context.newPage();
    await page.goto(`http://${address}/devtools/devtools_app.html?${query}`);
    await page.getByText("Load profile").waitFor();
  });
  after(async () => {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("types are constructors, the path to who holds is read off, the comparison says what is new", async () => {
    const pyodide = await load("pyodide");
    pyodide.runPython(PROGRAM);
    const files = [await save(pyodide, "before")];
    pyodide.runPython("for number in range(1000, 3000): app.handle(number)");
    files.push(await save(pyodide, "after"));
    for (const [i, file] of files.entries()) {
      await page.locator("input[type=file]").first().setInputFiles(file);
      await waitFor(page, [/ before \( ?[\d.]+.MB/, / after \( ?[\d.]+.MB/][i] as RegExp);
    }
    await page.mouse.click(80, 168);
    await waitFor(page, /app\.Order ×3,000/);
    await page.mouse.click(372, 40);
    await page.keyboard.type("app.");
    await waitFor(page, /Retained size app\.Order ×3,000/);
    await page.mouse.click(300, 86);
    await page.keyboard.press("ArrowRight");
    await waitFor(page, /app\.Order @\d+/);
    await page.keyboard.press("ArrowDown");
    await waitFor(page, /\['order \d+'\] in dict @\d+/);
    // It opens the way to the root by itself, step by step.
    await waitFor(page, /\['CACHE'\] in dict @\d+/);
    await waitFor(page, /__dict__ in <module app> @\d+/);
    await waitFor(page, /module app in \(modules\) @\d+/);
    await picture("devtools-retainers");
    await page.locator('select[aria-label="Perspective"]').selectOption({ label: "Comparison" });
    await waitFor(page, /app\.Order 2.000 0 \+2.000/);
    await picture("devtools-comparison");
  });
});
