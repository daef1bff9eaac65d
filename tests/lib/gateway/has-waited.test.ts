/** Requests that have waited already: they may use all of the queue that they come to then. */
import { afterEach, expect, test } from "bun:test";
import type { Fault } from "../../../lib/fault.ts";
import { Gateway, type GatewayOptions } from "../../../lib/gateway/gateway.ts";
import type { Place } from "../../../lib/gateway/route-model.ts";
import type { Asker } from "../../../lib/gateway/trace.ts";
import { until } from "../../support/until.ts";

const MODEL = "wanted";
const BODY = JSON.stringify({ model: MODEL, messages: [] });
/** Everything comes from one caller. */
const ASKER: Asker = {
  caller: () => "key one",
  from: () => ({ address: null, userAgent: null }),
  maySilence: () => undefined,
  product: () => "test",
  mayBegin: () => true,
  token: () => null,
};

let upstream: Bun.Server<undefined> | null = null;
afterEach(async () => {
  await upstream?.stop(true);
  upstream = null;
});

/** An upstream that answers when it is told to. */
function begin(slots: readonly string[], queue: number, more: Partial<GatewayOptions> = {}) {
  const arrived: PromiseWithResolvers<void>[] = [];
  let isTold = false;
  upstream = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch() {
      const one = Promise.withResolvers<void>();
      arrived.push(one);
      if (!isTold) await one.promise;
      return Response.json({});
    },
  });
  const origin = `http://127.0.0.1:${upstream.port}`;
  let serving: string | null = null;
  const placeOf = (slot: string): Place => {
    const open = slot === serving;
    return { slot, origin, open, served: open ? [MODEL] : [], aliases: [], swap: null };
  };
  const limit = { inFlight: 1, queue, waitMs: 60_000 };
  const gateway = new Gateway({
    configured: () => true,
    places: () => slots.map(placeOf),
    keyOf: (name) => name,
    service: () => null,
    limits: () => ({ chat: limit, audio: limit, text: limit }),
    ...more,
  });
  return {
    gateway,
    /** The model is there, and nowhere else. */
    serve(slot: string) {
      serving = slot;
    },
    tellFirst: () => arrived[0]?.resolve(),
    tellAll() {
      isTold = true;
      for (const one of arrived) one.resolve();
    },
    async ask(): Promise<number | string> {
      const headers = { "content-length": String(BODY.length) };
      const request = new Request("http://localhost/v1/chat/completions", { method: "POST", body: BODY, headers });
      try {
        return (await gateway.toModel(request, "/v1/chat/completions", ASKER)).status;
      } catch (error) {
        return (error as Fault).code;
      }
    },
    load: (slot: string) => gateway.load().find((one) => one.upstream === `slot:${slot}`),
  };
}

test("held for their model: as many as the queue has places are answered, although they are one caller's", async () => {
  const queue = 20;
  const { gateway, ask, serve, tellAll } = begin(["main"], queue, {
    hold: {
      terms: () => ({ waitMs: 60_000, dwellMs: 0, most: queue }),
      target: () => ({ slot: "main", servingSince: null, isTaken: true }),
      permit: () => undefined,
      begin: () => undefined,
    },
  });
  const asked = Array.from({ length: queue }, ask);
  await until("all of them are held", () => gateway.line.length === queue);
  serve("main");
  gateway.line.look();
  await until("none is held", () => gateway.line.length === 0);
  tellAll();

  expect(await Promise.all(asked)).toEqual(Array(queue).fill(200));
});

test("for a place at a slot that serves their model no longer: they find one at that which does", async () => {
  const { ask, serve, tellFirst, tellAll, load } = begin(["one", "two"], 4);
  serve("one");
  const first = [ask(), ask()];
  await until("one of them waits", () => load("one")?.queued === 1);
  serve("two");
  const second = Array.from({ length: 5 }, ask);

  // Of four places in the queue one is for somebody else.
  expect(await Promise.race(second)).toBe("queue_full");
  expect(load("two")).toMatchObject({ inFlight: 1, queued: 3 });
  tellFirst();
  expect(await first[0]).toBe(200);
  await until("it waits at the other", () => load("one")?.queued === 0);
  tellAll();

  expect(await first[1]).toBe(200);
  expect((await Promise.all(second)).filter((status) => status === 200)).toHaveLength(4);
});
