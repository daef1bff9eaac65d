import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { withReservation } from "../../../lib/client/reservation.ts";
import { ReservationLost, ReservationRefused } from "../../../lib/client/reservation-errors.ts";
import { type AppUnderTest, startApp } from "../../routes/_app-under-test.ts";
import { type FaultProxy, startFaultProxy } from "../../support/fault-proxy.ts";
import { countListeners } from "../../support/listeners.ts";
import { until } from "../../support/until.ts";

setDefaultTimeout(30_000);

let under: AppUnderTest;
let port: number;
let url: string;
beforeAll(async () => {
  under = await startApp({ respiteMs: 0 });
  port = under.listen();
  url = `http://127.0.0.1:${port}`;
});
afterAll(() => under.close());
afterEach(() => void under.plane.lock.force({ by: "a test" }));

const proxies: FaultProxy[] = [];
afterEach(() => {
  for (const proxy of proxies.splice(0)) proxy.close();
});
async function between(): Promise<FaultProxy> {
  const proxy = await startFaultProxy({ target: () => ({ host: "127.0.0.1", port }) });
  proxies.push(proxy);
  return proxy;
}

const held = () => under.plane.lock.current();
const never = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

describe("withReservation", () => {
  test("holds it while the work goes on, and gives what the work gives", async () => {
    const seen = await withReservation(
      url,
      { holder: "nightly", note: "transcripts", ttlSeconds: 60 },
      async (lease) => {
        expect(held()).toMatchObject({ holder: "nightly", note: "transcripts", generation: lease.generation });
        expect(under.plane.lock.permit({ slot: "main", nodes: [] }, lease.token)).toBe(lease.generation);
        return lease.generation;
      },
    );

    expect(seen).toBeGreaterThan(0);
    expect(held()).toBeNull();
  });

  test("leaves nothing on a signal that lives longer than the work", async () => {
    const { signal } = new AbortController();
    const listeners = countListeners(signal);

    await withReservation(url, { holder: "nightly", signal }, async () => expect(listeners()).toBeGreaterThan(0));

    expect(listeners()).toBe(0);
  });

  test("releases it when the work throws, and throws the same", async () => {
    const failing = withReservation(url, { holder: "nightly" }, async () => {
      throw new Error("out of tapes");
    });

    expect(await failing.catch((error: Error) => error.message)).toBe("out of tapes");
    expect(held()).toBeNull();
  });

  test("renews by itself, so that the work may last longer than the time", async () => {
    const generation = await withReservation(url, { holder: "nightly", ttlSeconds: 1 }, async (lease) => {
      const began = performance.now();
      await until("three times the time has passed", () => performance.now() - began > 3_000);
      expect(lease.signal.aborted).toBe(false);
      expect(held()?.generation).toBe(lease.generation);
      return lease.generation;
    });

    expect(generation).toBeGreaterThan(0);
  });

  test("tells the work at the next renewal that a person has taken it", async () => {
    const lost = withReservation(url, { holder: "nightly", ttlSeconds: 3 }, async (lease) => {
      under.plane.lock.force({ by: "Carol" });
      await never(lease.signal);
    });

    const error = await lost.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ReservationLost);
    expect((error as Error).message).toContain("has ended");
  });

  test("tells the work within seconds that a person has taken it, however long it would have lasted", async () => {
    let forcedAt = Number.NaN;
    const lost = withReservation(url, { holder: "nightly" }, async (lease) => {
      under.plane.lock.force({ by: "Carol" });
      under.plane.lock.acquire({ holder: "Carol", by: "Carol" });
      forcedAt = performance.now();
      await never(lease.signal);
    });

    const error = await lost.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ReservationLost);
    expect((error as Error).message).toContain("Carol");
    expect(performance.now() - forcedAt).toBeLessThan(20_000);
    expect(held()).toMatchObject({ holder: "Carol" });
  }, 60_000);

  test("work that ends although it was lost is told, too", async () => {
    const lost = withReservation(url, { holder: "nightly", ttlSeconds: 1 }, async (lease) => {
      under.plane.lock.force({ by: "Carol" });
      await until("it is noticed", () => lease.signal.aborted);
      return "done";
    });

    expect(await lost.catch((error: unknown) => error)).toBeInstanceOf(ReservationLost);
  });

  test("counts as lost before its time is over when no renewal gets through", async () => {
    const proxy = await between();
    const through = `http://127.0.0.1:${proxy.port}`;

    const [error, left] = await withReservation(through, { holder: "nightly", ttlSeconds: 2 }, async (lease) => {
      proxy.blackHole();
      await until("it is lost", () => lease.signal.aborted);
      return [null, held()] as const;
    }).catch((reason: unknown) => [reason, held()] as const);

    expect(error).toBeInstanceOf(ReservationLost);
    expect(left?.holder ?? "nightly").toBe("nightly");
  });

  test("a refusal says who holds it", async () => {
    under.plane.lock.acquire({ holder: "Bob", by: "a test" });

    const error = await withReservation(url, { holder: "nightly" }, async () => undefined).catch((no: unknown) => no);

    expect(error).toBeInstanceOf(ReservationRefused);
    expect(error).toMatchObject({ status: 409, code: "reserved", lock: { holder: "Bob" } });
    expect(held()?.holder).toBe("Bob");
  });

  test("waits in line, and its time begins with the grant", async () => {
    const { token } = under.plane.lock.acquire({ holder: "Bob", by: "a test" });
    let ran = false;
    const waiting = withReservation(url, { holder: "nightly", ttlSeconds: 1, waitSeconds: 20 }, async (lease) => {
      ran = true;
      expect(held()?.generation).toBe(lease.generation);
    });
    await until("it waits", () => under.plane.lock.waiting === 1);
    const began = performance.now();
    await until("longer than its own time", () => performance.now() - began > 1_500);
    expect(ran).toBe(false);

    under.plane.lock.release(token);
    await waiting;

    expect(ran).toBe(true);
    expect(held()).toBeNull();
  });

  test("leaves the line when its caller gives up", async () => {
    under.plane.lock.acquire({ holder: "Bob", by: "a test" });
    const gone = new AbortController();
    const options = { holder: "nightly", waitSeconds: 20, signal: gone.signal };
    const waiting = withReservation(url, options, async () => undefined).catch((error: Error) => error.message);
    await until("it waits", () => under.plane.lock.waiting === 1);

    gone.abort(new Error("never mind"));

    expect(await waiting).toBe("never mind");
    await until("it has left", () => under.plane.lock.waiting === 0);
  });

  test("a caller that gives up while the answer is on its way leaves nothing reserved", async () => {
    const gone = new AbortController();
    // Grants, and answers only later.
    const slow = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      async fetch(request) {
        const path = new URL(request.url).pathname + new URL(request.url).search;
        const body = request.body ? await request.text() : null;
        const { method, headers } = request;
        const answer = await fetch(url + path, { method, headers, body });
        if (!gone.signal.aborted) {
          gone.abort(new Error("enough"));
          await Bun.sleep(300);
        }
        return answer;
      },
    });

    const waiting = withReservation(
      `http://127.0.0.1:${slow.port}`,
      { holder: "impatient", signal: gone.signal },
      async () => "never",
    );

    expect(await waiting.catch((error: Error) => error.message)).toBe("enough");
    await until("nothing is reserved", () => held() === null);
    await slow.stop(true);
  });

  test("a time that the server would clamp is clamped beforehand", async () => {
    for (const [asked, given] of [
      [1.9, 1],
      [0.1, 1],
      [300_000, 86_400],
    ] as const)
      await withReservation(url, { holder: "nightly", ttlSeconds: asked }, async () => {
        expect([asked, held()?.seconds_remaining]).toEqual([asked, given]);
      });
  });

  test("a controller that is being stopped is waited for", async () => {
    let asked = 0;
    const stopping = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: async (request) =>
        ++asked === 1
          ? Response.json({ code: "shutting_down", detail: "Spark Control is shutting down." }, { status: 503 })
          : fetch(url + new URL(request.url).pathname, {
              method: request.method,
              headers: request.headers,
              body: request.body ? await request.text() : null,
            }),
    });

    const where = `http://127.0.0.1:${stopping.port}`;
    expect(await withReservation(where, { holder: "nightly", waitSeconds: 20 }, async () => "held")).toBe("held");
    await stopping.stop(true);
  });

  test("an answer that is lost costs nothing: the same reservation is asked for again", async () => {
    const proxy = await between();
    proxy.halfOpen("to_client");
    const cut = until("it is granted, and nobody knows", () => held() !== null).then(() => {
      proxy.cut("reset");
      proxy.pass();
      return held()?.generation;
    });

    const generation = await withReservation(
      `http://127.0.0.1:${proxy.port}`,
      { holder: "nightly", ttlSeconds: 60 },
      async (lease) => {
        expect(held()?.generation).toBe(lease.generation);
        return lease.generation;
      },
    );

    expect(generation).toBe((await cut)!);
    expect(held()).toBeNull();
  });
});
