/** What a request leaves behind in memory once it is over: nothing, also where its signal was made of others that live on. */
import { heapStats } from "bun:jsc";
import { expect, test } from "bun:test";
import { Connections } from "../../../lib/gateway/connections.ts";
import { PATIENCE } from "../../../lib/gateway/patience.ts";
import { Passage } from "../../../lib/gateway/proxy.ts";
import type { Outcome } from "../../../lib/gateway/relay.ts";
import { until } from "../../support/until.ts";

const REQUESTS = 40;
/** Longer than a request goes without a listener on its signal. */
const LASTS_MS = 60;

function requestsInMemory(): number {
  Bun.gc(true);
  return heapStats().objectTypeCounts.Request ?? 0;
}

test("a request that lasted and whose signal was made of others", async () => {
  using server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch() {
      await Bun.sleep(LASTS_MS);
      return new Response("{}");
    },
  });
  const upstream = { name: "The service", origin: `http://127.0.0.1:${server.port}`, host: null };
  const connections = new Connections();
  const ends: Outcome[] = [];
  const leavers: AbortController[] = [];
  const ask = async () => {
    const gone = new AbortController();
    leavers.push(gone);
    const signal = AbortSignal.any([new AbortController().signal, gone.signal]);
    const request = new Request("http://localhost/v1/x", { method: "POST", signal });
    const passage = new Passage(request, upstream, PATIENCE.chat, connections, (outcome) => ends.push(outcome));
    await (await passage.forward("/v1/x", { content: null, length: null })).text();
  };
  const before = requestsInMemory();
  await Promise.all(Array.from({ length: REQUESTS }, ask));

  expect(ends).toEqual(Array(REQUESTS).fill("complete"));
  // The collector may find one or two on the stack still.
  await until("nothing of them is left", () => requestsInMemory() <= before + 2);
  expect(leavers.some(({ signal }) => signal.aborted)).toBe(false);
  connections.close();
});
