import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readFacts } from "../../../lib/events/facts.ts";
import { until } from "../../support/until.ts";
import { Bench } from "./_bench.ts";
import { startReceiver } from "./_receiver.ts";

setDefaultTimeout(120_000);

const SCRIPT = join(import.meta.dir, "_killed.ts");
const swaps = (bench: Bench) =>
  readFacts(bench.store.facts, 0, 100).filter(({ event }) => event.type === "swap.changed");

test("killed between any two steps, a fact that was committed is delivered at least once and under one id", async () => {
  const seen = { lost: 0, kept: 0, twice: 0 };
  for (let killAt = 1; ; killAt++) {
    using receiver = startReceiver();
    const dataDir = mkdtempSync(join(tmpdir(), "spark-killed-"));
    const before = new Bench({ dataDir });
    before.webhooks.add({ url: receiver.url });
    await before.webhooks.close();
    before.store.close();

    const child = Bun.spawn([process.execPath, SCRIPT, dataDir, String(killAt)], { stdout: "pipe", stderr: "pipe" });
    const said = new Response(child.stderr).text();
    await child.exited;
    const finished = child.exitCode === 0;
    if (!finished && child.signalCode !== "SIGKILL") throw new Error(await said);

    await using after = new Bench({ dataDir });
    const deliveries = () => after.webhooks.deliveries({ limit: 10 });
    // Both or neither: no fact without its outbox row, no row without its fact.
    expect([killAt, deliveries().length]).toEqual([killAt, swaps(after).length]);
    if (swaps(after).length === 0) {
      seen.lost += 1;
      expect(receiver.received).toEqual([]);
      continue;
    }
    await until("it is delivered", () => deliveries()[0]?.state === "delivered");
    seen.kept += 1;
    if (receiver.received.length > 1) seen.twice += 1;
    expect(receiver.received.length).toBeGreaterThanOrEqual(1);
    expect(new Set(receiver.received.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
    expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1);
    if (finished) break;
  }
  console.log(`killed before the commit ${seen.lost}, after it ${seen.kept}, of these delivered twice ${seen.twice}`);
  expect(seen.lost).toBeGreaterThan(5);
  expect(seen.kept).toBeGreaterThan(10);
  // Killed after the answer and before it was written down: the price of never losing one.
  expect(seen.twice).toBeGreaterThan(0);
});
