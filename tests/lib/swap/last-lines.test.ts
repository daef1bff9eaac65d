import { expect, test } from "bun:test";
import { LastLines } from "../../../lib/swap/last-lines.ts";

test("are kept of each log, in the order in which they were read", () => {
  const lines = new LastLines();
  lines.add({ source: "spark-1", text: "head" });
  for (let at = 0; at < 10_000; at++) lines.add({ source: "spark-2", text: `worker ${at}` });
  lines.add({ source: "spark-1", text: "head again" });

  const all = lines.all();

  expect([all[0], all.at(-2), all.at(-1)]).toEqual(["head", "worker 9999", "head again"]);
  expect(all.length).toBeGreaterThanOrEqual(2_000);
  expect(all.length).toBeLessThanOrEqual(4_002);
});
