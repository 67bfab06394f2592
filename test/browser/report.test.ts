/** The page of a report in a real browser: from disk, without network, by a keyboard, wide and narrow, light and dark. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { findChromium, launchChromium } from "../../tools/chromium.js";
import { renderReport } from "../../viewer/html.js";
import type { Report } from "../../viewer/report.js";
import { exampleReport, HOSTILE } from "../support/report.js";
import { temporaryFolder } from "../support/traces.js";

const template = readFileSync(
  fileURLToPath(new URL("../../dist/viewer/report.html", import.meta.url)),
  "utf8",
);
const folder = temporaryFolder();

test("a report stands in the page as it is, and is no part of its markup", () => {
  const report = exampleReport();
  const page = renderReport(template, report);
  const [, json = ""] =
    /<script type="application\/json" id="report">(.*?)<\/script>/s.exec(page) ?? [];
  assert.deepEqual(JSON.parse(json), JSON.parse(JSON.stringify(report)));
  assert.doesNotMatch(json, /[<>&\u2028\u2029]/);
  assert.equal(page.split("</script>").length, template.split("</script>").length);
  assert.match(page, /Apache License\s+Version 2\.0/);
  assert.match(page, /Copyright \(c\) 2017, Baidu Inc\./);
});

const executable = findChromium();
const reason = "no Chromium found: install one, or set CHROMIUM to its path";
// A developer may lack a browser; a CI without one would be green for nothing.
const skip = executable === undefined && !process.env["CI"] ? reason : false;

describe("the page of a report in Chromium", { skip, timeout: 300_000 }, () => {
  let browser: Browser;
  /** What went wrong on any page, and what was asked of the network. */
  const errors: string[] = [];

  before(async () => {
    assert.ok(executable !== undefined, reason);
    browser = await launchChromium(executable);
  });
  after(() => browser?.close());

  async function open(
    report: Report,
    { width = 1200, colorScheme = "light" as "light" | "dark" } = {},
  ): Promise<Page> {
    const file = join(folder, "report.html");
    writeFileSync(file, renderReport(template, report));
    const page = await browser.newPage({
      viewport: { width, height: 900 },
      colorScheme,
      reducedMotion: "reduce",
    });
    page.on("pageerror", ({ message }) => errors.push(message));
    page.on("console", (message) => errors.push(message.text()));
    page.on("request", (request) => {
      if (request.url() !== pathToFileURL(file).href) errors.push(`asked for ${request.url()}`);
    });
    await page.goto(pathToFileURL(file).href);
    await page.waitForSelector(".treemap canvas");
    return page;
  }

  /** The texts of all elements that a selector finds. */
  const texts = (page: Page, selector: string) => page.locator(selector).allTextContents();

  test("names are text, whatever they try", async () => {
    const page = await open(exampleReport());
    assert.equal(await page.evaluate("window.broken"), undefined);
    assert.equal(await page.locator("img").count(), 0);
    const values = await texts(page, "section[id^=sheet] td.text");
    for (const name of HOSTILE) assert.ok(values.includes(name), name);
    await page.close();
    assert.deepEqual(errors, []);
  });

  test("the budget has all parts, and their shares", async () => {
    const page = await open(exampleReport());
    const rows = await texts(page, "#memory li");
    assert.equal(rows.length, 9);
    assert.ok(rows.includes("pools: in use16.5 MB31.5 %"), rows.join("\n"));
    assert.match(
      (await texts(page, "#memory .meaning")).join(),
      /may grow to 4\.3 GB.*limit is 200\.0 MB/,
    );
    await page.close();
  });

  test("types are sorted and filtered; a press shows who holds one", async () => {
    const page = await open(exampleReport());
    const first = () =>
      texts(page, "#types tbody tr:first-child td:first-child").then(([name]) => name);
    assert.equal(await first(), "builtins.str");
    await page.getByRole("button", { name: "objects", exact: true }).first().click();
    assert.equal(await first(), "builtins.str");
    await page.getByRole("button", { name: "objects", exact: true }).first().click();
    assert.equal(await page.locator("#types th[aria-sort=ascending]").textContent(), "objects");
    assert.equal(await first(), "package.module0.Type119");
    await page.getByLabel("Filter types by name").fill("ORDER");
    assert.deepEqual(await texts(page, "#types tbody td:first-child"), ["app.Order"]);
    await page.getByRole("button", { name: "app.Order" }).click();
    const holders = await texts(page, ".holders code");
    assert.equal(holders[0], "module app > global CACHE > [*] > app.Order");
    assert.equal(await page.locator("#types tr[aria-current]").count(), 1);
    await page.getByLabel("Filter types by name").fill("");
    assert.equal(await page.locator("#types tbody tr").count(), 25);
    await page
      .getByRole("button", { name: /show more/ })
      .first()
      .press("Enter");
    assert.equal(await page.locator("#types tbody tr").count(), 125);
    await page.close();
  });

  test("the tree is walked by keyboard and by a press on a tile, and its books balance", async () => {
    const report = exampleReport();
    const page = await open(report);
    const whole = await texts(page, ".children .bytes");
    assert.ok(whole.length > 5);
    await page.locator(".children button").first().press("Enter");
    const way = () => texts(page, ".way button");
    assert.deepEqual(await way(), ["all objects", "module name_0"]);
    assert.equal(
      await page.evaluate(() => document.activeElement?.getAttribute("aria-current")),
      "location",
      "the keyboard stays where it was",
    );
    await page.locator(".way button").first().press("Enter");
    assert.deepEqual(await way(), ["all objects"]);
    assert.deepEqual(await texts(page, ".children .bytes"), whole);
    // The upper left tile is the largest.
    // It is there with the next frame, which may take its time.
    for (let tries = 0; tries < 50 && (await way()).length === 1; tries++) {
      await page.locator(".treemap").click({ position: { x: 60, y: 10 } });
      await page.waitForTimeout(100);
    }
    assert.equal((await way())[1], "module name_0");
    await page.close();
    assert.deepEqual(errors, []);
  });

  test("narrow and wide, light and dark, nothing sticks out", async () => {
    for (const width of [400, 760, 1200]) {
      for (const colorScheme of ["light", "dark"] as const) {
        const page = await open(exampleReport(), { width, colorScheme });
        const size = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(size <= width, `${size} at ${width}`);
        const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
        assert.equal(ground, colorScheme === "dark" ? "rgb(20, 22, 26)" : "rgb(246, 246, 244)");
        await page.close();
      }
    }
    assert.deepEqual(errors, []);
  });

  test("a report of next to nothing is a page, too", async () => {
    const report = exampleReport();
    const tree = {
      names: [""],
      parents: [0],
      types: [0],
      held: [""],
      labels: [""],
      counts: [1],
      own: [0],
      retained: [0],
    };
    const page = await open({ ...report, types: [], typesLeft: 0, sheets: [], tree });
    assert.equal(await page.locator("#types tbody tr").count(), 0);
    await page.close();
    assert.deepEqual(errors, []);
  });
});
