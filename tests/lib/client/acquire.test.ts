/** Every way out of an acquire whose answer may have been lost: nothing stays reserved that nobody knows of. */
import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { treaty } from "@elysiajs/eden";
import type { SparkControl } from "../../../lib/client/client.ts";
import { withReservation } from "../../../lib/client/reservation.ts";
import { type AppUnderTest, startApp } from "../../routes/_app-under-test.ts";
import { until } from "../../support/until.ts";

setDefaultTimeout(30_000);

let under: AppUnderTest;
let url: string;
beforeAll(async () => {
  under = await startApp({ respiteMs: 0 });
  url = `http://127.0.0.1:${under.listen()}`;
});
afterAll(() => under.close());
afterEach(() => void under.plane.lock.force({ by: "a test" }));

const held = () => under.plane.lock.current();
const broken = () => new TypeError("the connection broke");

type Send = (input: string, init: RequestInit) => Promise<Response>;

/** A client of the app whose requests go through `treat`, numbered from 1. */
function through(treat: (send: () => Promise<Response>, nth: number, init: RequestInit) => Promise<Response>) {
  let nth = 0;
  const fetcher: Send = (input, init) => treat(() => fetch(input, init), ++nth, init);
  const client = treaty(url, { fetcher: fetcher as typeof fetch, parseDate: false }) as unknown as SparkControl;
  return { client, asked: () => nth };
}

const outcome = (running: Promise<unknown>) => running.catch((error: Error) => error.message);

describe("an answer that was lost", () => {
  test("is given back by a caller that gives up in the pause before the next try", async () => {
    const gone = new AbortController();
    const { client } = through(async (send, nth) => {
      const answer = await send();
      if (nth > 1) return answer;
      setTimeout(() => gone.abort(new Error("enough")), 0);
      throw broken();
    });

    const working = withReservation(client, { holder: "nightly", signal: gone.signal }, async () => "never");

    expect(await outcome(working)).toBe("enough");
    expect(held()).toBeNull();
  });

  test("is given back when the tries are used up", async () => {
    const { client } = through(async (send, nth) => {
      const answer = await send();
      if (nth > 6) return answer;
      throw broken();
    });

    expect(await outcome(withReservation(client, { holder: "nightly" }, async () => "never"))).toContain("not answer");
    expect(held()).toBeNull();
  });

  test("is given back when the repeat is refused for good", async () => {
    const { client } = through(async (send, nth) => {
      if (nth === 2) return Response.json({ code: "store_unwritable", detail: "Its disk is full." }, { status: 503 });
      const answer = await send();
      if (nth > 2) return answer;
      throw broken();
    });

    expect(await outcome(withReservation(client, { holder: "nightly" }, async () => "never"))).toBe(
      "Its disk is full.",
    );
    expect(held()).toBeNull();
  });

  test("is given back although the first tries of that fail", async () => {
    const gone = new AbortController();
    const { client } = through(async (send, nth) => {
      if (nth === 2 || nth === 4) throw broken();
      const answer = await send();
      if (nth > 1) return answer;
      gone.abort(new Error("enough"));
      throw broken();
    });

    const working = withReservation(client, { holder: "nightly", signal: gone.signal }, async () => "never");

    expect(await outcome(working)).toBe("enough");
    expect(held()).toBeNull();
  });

  const breakingOff = () => new ReadableStream({ pull: (controller) => controller.error(broken()) });
  const lost: readonly (readonly [string, () => Response])[] = [
    ["breaks off", () => new Response(breakingOff(), { headers: { "content-type": "application/json" } })],
    ["is no JSON", () => new Response("<html>", { headers: { "content-type": "application/json" } })],
    ["is a page of a proxy", () => new Response("<html>Sign in</html>", { headers: { "content-type": "text/html" } })],
    ["is an error of a proxy", () => new Response("<html>", { status: 504, headers: { "content-type": "text/html" } })],
  ];
  test.each(lost)("is asked for again when it %s", async (_, answerOf) => {
    const { client } = through(async (send, nth) => {
      const answer = await send();
      return nth > 1 ? answer : answerOf();
    });

    const generation = await withReservation(client, { holder: "nightly" }, async (lease) => {
      expect(held()?.generation).toBe(lease.generation);
      return lease.generation;
    });

    expect(generation).toBeGreaterThan(0);
    expect(held()).toBeNull();
  });

  test("leaves nobody in line, although something on the way keeps the connection", async () => {
    const bob = under.plane.lock.acquire({ holder: "Bob", by: "a test" });
    const gone = new AbortController();
    const { client } = through(async (send, nth, init) => {
      if (nth > 1) return send();
      // As a proxy that goes on waiting for a client that has left.
      void fetch(`${url}/api/swap/lock?wait=20`, { ...init, signal: null }).catch(() => undefined);
      return new Promise<Response>((_, reject) => init.signal?.addEventListener("abort", () => reject(broken())));
    });
    const options = { holder: "nightly", waitSeconds: 20, signal: gone.signal };
    const working = withReservation(client, options, async () => "never");
    await until("it waits", () => under.plane.lock.waiting === 1);

    gone.abort(new Error("enough"));

    expect(await outcome(working)).toBe("enough");
    expect(under.plane.lock.waiting).toBe(0);
    under.plane.lock.release(bob.token);
    expect(held()).toBeNull();
  });
});

test("a caller that gives up in the moment of the grant has no work begun", async () => {
  const gone = new AbortController();
  const { client } = through(async (send) => {
    const answer = await send();
    gone.abort(new Error("enough"));
    return answer;
  });
  let began = false;

  const working = withReservation(client, { holder: "nightly", signal: gone.signal }, async () => {
    began = true;
  });

  expect([await outcome(working), began, held()]).toEqual(["enough", false, null]);
});

describe("what cannot have been granted", () => {
  test("is not given back: it was refused", async () => {
    under.plane.lock.acquire({ holder: "Bob", by: "a test" });
    const { client, asked } = through((send) => send());

    expect(await outcome(withReservation(client, { holder: "nightly" }, async () => "never"))).toContain("Bob");
    expect(asked()).toBe(1);
  });

  test("is not given back: it was never sent", async () => {
    const { client, asked } = through((send) => send());
    const signal = AbortSignal.abort(new Error("enough"));

    expect(await outcome(withReservation(client, { holder: "nightly", signal }, async () => "never"))).toBe("enough");
    expect(asked()).toBe(0);
  });

  test("is not given back: it was refused, and its caller gives up in the pause", async () => {
    under.plane.lock.acquire({ holder: "Bob", by: "a test" });
    const gone = new AbortController();
    const { client, asked } = through(async () => {
      setTimeout(() => gone.abort(new Error("enough")), 0);
      return Response.json({ code: "line_full", detail: "64 wait." }, { status: 503 });
    });
    const options = { holder: "nightly", waitSeconds: 20, signal: gone.signal };

    expect(await outcome(withReservation(client, options, async () => "never"))).toBe("enough");
    expect(asked()).toBe(1);
  });
});

describe("a fetch that does not listen to its signal", () => {
  const deaf = () => new Promise<Response>(() => undefined);

  test("does not hold up a caller that gives up", async () => {
    const gone = new AbortController();
    const { client } = through(async (send, nth) => {
      const answer = await send();
      if (nth > 1) return answer;
      setTimeout(() => gone.abort(new Error("enough")), 0);
      return deaf();
    });

    const working = withReservation(client, { holder: "nightly", signal: gone.signal }, async () => "never");

    expect(await outcome(working)).toBe("enough");
    expect(held()).toBeNull();
  });

  test("does not hold up the end of a lease", async () => {
    const { client } = through((send, nth, { method }) => (nth === 1 || method === "DELETE" ? send() : deaf()));

    const working = withReservation(client, { holder: "nightly", ttlSeconds: 2 }, async (lease) => {
      await until("it is lost", () => lease.signal.aborted);
    });

    expect(await outcome(working)).toContain("lost");
  });
});

describe("a renewal", () => {
  test("counts for as long as the answer says", async () => {
    const { client } = through(async (send, nth) => {
      const answer = await send();
      if (nth === 1) return answer;
      return Response.json({ ...((await answer.json()) as object), seconds_remaining: 1 });
    });
    const seen: number[] = [];

    await withReservation(client, { holder: "nightly", ttlSeconds: 6 }, async () => {
      const renewals = under.plane.events.subscribe(({ type }) => {
        if (type === "lock.renewed") seen.push(performance.now());
      });
      await until("it was renewed three times", () => seen.length >= 3);
      renewals();
    });

    // A third of the second that the answer said, not of the six that were asked for.
    expect(seen[2]! - seen[0]!).toBeLessThan(2_000);
  });

  test("that breaks off, or is no JSON, is tried again", async () => {
    let renewals = 0;
    const { client } = through(async (send, nth, { method }) => {
      const answer = await send();
      if (nth === 1 || method === "DELETE" || ++renewals > 2) return answer;
      return new Response("<html>", { headers: { "content-type": "application/json" } });
    });

    await withReservation(client, { holder: "nightly", ttlSeconds: 3 }, async (lease) => {
      await until("it was renewed", () => renewals > 2);
      expect(lease.signal.aborted).toBe(false);
    });

    expect(held()).toBeNull();
  });

  test("whose answers are all lost: what it still holds is released on the way out", async () => {
    const { client } = through(async (send, nth, { method }) => {
      const answer = await send();
      if (nth === 1 || method === "DELETE") return answer;
      throw broken();
    });

    const working = withReservation(client, { holder: "nightly", ttlSeconds: 2 }, async (lease) => {
      await until("it is lost", () => lease.signal.aborted);
      expect(held()?.generation).toBe(lease.generation);
    });

    expect(await outcome(working)).toContain("lost");
    expect(held()).toBeNull();
  });
});

describe("a release", () => {
  test.each([
    ["is no JSON", () => new Response("<html>", { headers: { "content-type": "application/json" } })],
    [
      "says that it is being stopped",
      () => Response.json({ code: "shutting_down", detail: "Later." }, { status: 503 }),
    ],
  ])("whose answer %s is tried again, and what the work gives is given", async (_, answerOf) => {
    let releases = 0;
    const { client } = through(async (send, __, { method }) =>
      method === "DELETE" && ++releases === 1 ? answerOf() : send(),
    );

    expect(await withReservation(client, { holder: "nightly" }, async () => "done")).toBe("done");
    expect(held()).toBeNull();
  });
});
