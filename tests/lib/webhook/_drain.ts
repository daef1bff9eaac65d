/**
 * A process that queues many deliveries and drains them, watching its memory. Arguments: data folder, URL, how many.
 * Prints JSON: {seconds, before, most} in bytes of resident memory.
 */
import { recordFact } from "../../../lib/events/facts.ts";
import { until } from "../../support/until.ts";
import { Bench, ended } from "./_bench.ts";

const [dataDir = "", url = "", count = "0"] = process.argv.slice(2);
const bench = new Bench({ dataDir, onDelivery: () => undefined });
const { id } = bench.webhooks.add({ url, secret: "hunter2!", enabled: false });
// Queued while it is switched off would be nothing: it is switched on, and switched off before the first turn of the loop.
bench.webhooks.change(id, { enabled: true });
const { facts } = bench.store;
bench.store.transaction(() => {
  for (let swap = 0; swap < Number(count); swap++) recordFact(facts, ended("ready", { job_id: `job-${swap}` }));
});
bench.webhooks.change(id, { enabled: false });
await until("the queue stands", () => bench.webhooks.get(id).pending === Number(count));
Bun.gc(true);

const before = process.memoryUsage.rss();
let most = before;
const watch = setInterval(() => {
  most = Math.max(most, process.memoryUsage.rss());
}, 10);
const began = performance.now();
bench.webhooks.change(id, { enabled: true });
await until("all are delivered", () => bench.webhooks.get(id).pending === 0, 120_000);
clearInterval(watch);
const seconds = (performance.now() - began) / 1000;
process.stdout.write(JSON.stringify({ seconds, before, most, failures: bench.failures.length }));
await bench[Symbol.asyncDispose]();
