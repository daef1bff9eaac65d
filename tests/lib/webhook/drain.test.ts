import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

setDefaultTimeout(150_000);

const COUNT = 10_000;
const MIB = 1 << 20;

test(`${COUNT} queued deliveries drain in little memory`, async () => {
  const got = new Set<string>();
  let requests = 0;
  using receiver = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      requests += 1;
      await request.arrayBuffer();
      got.add(request.headers.get("webhook-id") ?? "");
      return new Response(null, { status: 204 });
    },
  });
  const dataDir = mkdtempSync(join(tmpdir(), "spark-drain-"));

  const child = Bun.spawn(
    [process.execPath, join(import.meta.dir, "_drain.ts"), dataDir, `http://127.0.0.1:${receiver.port}/`, `${COUNT}`],
    { stdout: "pipe", stderr: "inherit" },
  );
  const figures = JSON.parse(await new Response(child.stdout).text());

  const growth = (figures.most - figures.before) / MIB;
  console.log(`${COUNT} deliveries in ${figures.seconds.toFixed(1)} s, memory grew by ${growth.toFixed(1)} MiB`);
  expect(figures.failures).toBe(0);
  expect(got.size).toBe(COUNT);
  expect(requests).toBe(COUNT);
  expect(growth).toBeLessThan(100);
});
