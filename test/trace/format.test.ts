/** docs/trace-format.md: its example is a trace, and says what it says. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { inflateSync } from "node:zlib";
import { encodeEvents } from "../../trace/columns.js";
import { MAX_BYTES, MAX_EVENTS, START, VERSION } from "../../trace/format.js";
import { readTrace } from "../../trace/reader.js";
import { chunkOf, type Event, readEvents, temporaryFolder, writeTrace } from "../support/traces.js";

const page = readFileSync(new URL("../../docs/trace-format.md", import.meta.url), "utf8");
const blocks = [...page.matchAll(/```\n([\s\S]*?)```/g)].map(([, text]) => text as string);
const path = join(temporaryFolder(), "example.pmt");

/** The bytes of a dump, whose lines must begin at the offsets that they name. */
function bytesOf(dump: string): Buffer {
  let bytes = Buffer.alloc(0);
  for (const line of dump.split("\n").filter((line) => line !== "")) {
    const [, offset, hex] = line.match(/^([0-9a-f]{4}) {2}([0-9a-f]{2}(?: [0-9a-f]{2})*)/) ?? [];
    assert.equal(Number.parseInt(offset ?? "", 16), bytes.length, line);
    bytes = Buffer.concat([bytes, Buffer.from((hex ?? "").replaceAll(" ", ""), "hex")]);
  }
  return bytes;
}

const [listed = "", file = "", payload = ""] = blocks.slice(-3);
const events = [...listed.matchAll(/^(\w+) +block (\d+)(?:, (\d+) bytes)?$/gm)].map(
  ([, op, block, size]): Event =>
    size === undefined
      ? [op as Event[0], Number(block)]
      : [op as Event[0], Number(block), Number(size)],
);

test("the example is a trace of the events it lists", async () => {
  const bytes = bytesOf(file);
  assert.match(page, new RegExp(`As a file of ${bytes.length} bytes:`));
  writeFileSync(path, bytes);
  assert.equal(events.length, 5);
  assert.deepEqual(await readEvents(path), events);
  const { header, summary } = await readTrace(path);
  const written = file.replace(/^[0-9a-f]{4} {2}[0-9a-f ]+? {2,3}(?=[{"])/gm, "");
  const objects = [...written.matchAll(/\{[^}]*\}/g)].map(([json]) => JSON.parse(json));
  assert.deepEqual(objects, [header, summary]);
  assert.deepEqual(summary, writeTrace(path, [events]));
});

test("the payload is as it is taken apart there", () => {
  const bytes = bytesOf(payload);
  assert.deepEqual(Buffer.from(encodeEvents(chunkOf(events))), bytes);
  const whole = bytesOf(file);
  const at = whole.indexOf("EVTS");
  assert.deepEqual(inflateSync(whole.subarray(at + 16)), bytes);
  assert.deepEqual(
    [4, 8, 12].map((n) => whole.readUInt32LE(at + n)),
    [22, bytes.length, 5],
  );
});

test("magic, version and limits are those of the code", () => {
  const start = page.match(/^\| ((?:[0-9A-F]{2} +)+)\|/m)?.[1] ?? "";
  assert.deepEqual(Buffer.from(start.replaceAll(" ", ""), "hex"), START);
  assert.match(page, new RegExp(`describes version ${VERSION} byte by byte`));
  for (const limit of [MAX_BYTES, MAX_EVENTS]) {
    assert.ok(page.includes(limit.toLocaleString("en-US")), `${limit}`);
  }
});

test("the traces in bench/traces are whole, and as many bytes as the page says", async () => {
  const folder = fileURLToPath(new URL("../../bench/traces", import.meta.url));
  const names = readdirSync(folder).filter((name) => name.endsWith(".pmt"));
  assert.ok(names.length >= 8);
  let [events, bytes] = [0, 0];
  for (const name of names) {
    const trace = await readTrace(join(folder, name));
    let count = 0;
    for await (const chunk of trace.chunks()) count += chunk.count;
    assert.equal(count, trace.summary.events);
    assert.ok(count > 300_000 && count < 2_500_000, `${name}: ${count} events`);
    events += count;
    bytes += statSync(join(folder, name)).size;
  }
  const [millions, megabytes] = [events, bytes].map((n) => (n / 1e6).toFixed(1));
  const each = (bytes / events).toFixed(2);
  const said = `have ${millions} million events in ${megabytes} MB, ${each} bytes each`;
  assert.ok(page.includes(said), said);
});
