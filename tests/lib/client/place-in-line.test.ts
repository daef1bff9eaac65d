/** A long wait is asked for in several requests, and keeps its place in line; a server that says nothing is given up in time. */
import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { treaty } from "@elysiajs/eden";
import { acquire, release, type Times } from "../../../lib/client/acquire.ts";
import type { SparkControl } from "../../../lib/client/client.ts";
import { type ReservationOptions, withReservation } from "../../../lib/client/reservation.ts";
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
const waiting = () => under.plane.lock.waiting;
const deaf = () => new Promise<Response>(() => undefined);
const broken = () => new TypeError("the connection broke");
const bob = () => under.plane.lock.acquire({ holder: "Bob", by: "a test" }).token;
const opens = (token: string) => under.plane.lock.permit({ slot: "main", nodes: [] }, token);

/** Every request for the lock: whether it has been ended by the client, and what it was answered. */
interface Seen {
  readonly signal: AbortSignal | null | undefined;
  readonly wait: number;
  code?: string | number;
}

/** A client of the app whose requests go through `treat`, numbered from 1. */
function through(treat: (send: () => Promise<Response>, nth: number) => Promise<Response> = (send) => send()) {
  const seen: Seen[] = [];
  const fetcher = async (input: string, init: RequestInit) => {
    const wait = Number(new URL(input).searchParams.get("wait"));
    const one: Seen = { signal: init.signal, wait };
    const answer = await treat(() => fetch(input, init), seen.push(one));
    const { code } = (await answer.clone().json()) as { code?: string };
    one.code = code ?? answer.status;
    return answer;
  };
  const client = treaty(url, { fetcher: fetcher as typeof fetch, parseDate: false }) as unknown as SparkControl;
  return { client, seen };
}

const nightly = (client: SparkControl, options: Partial<ReservationOptions> = {}, times: Partial<Times> = {}) =>
  acquire(client, { holder: "nightly", waitSeconds: 20, ...options }, { longestWaitMs: 100, ...times });
const outcome = (running: Promise<unknown>) => running.catch((error: Error) => error.message);

describe("a wait that is longer than one request may last", () => {
  test("is asked for anew in time, and who came later comes later", async () => {
    const token = bob();
    const { client, seen } = through();
    const first = nightly(client);
    await until("it waits", () => waiting() === 1);
    const later = fetch(`${url}/api/swap/lock?wait=600`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ holder: "Carol" }),
    });
    await until("so does another", () => waiting() === 2);
    const before = seen.length;
    await until("it was asked for three times more", () => seen.length > before + 3);

    under.plane.lock.release(token);

    const acquired = await first;
    expect(held()).toMatchObject({ holder: "nightly", generation: acquired.generation });
    expect(waiting()).toBe(1);
    await release(client, acquired.token);
    expect(await (await later).json()).toMatchObject({ holder: "Carol" });
  });

  test("asks for all of it each time, at most what the server grants, and ends no request before the next has its place", async () => {
    const token = bob();
    let ended = 0;
    const { client, seen } = through((send) => {
      ended += seen.filter(({ signal, code }) => signal?.aborted && code === undefined).length;
      return send();
    });
    const first = nightly(client, { waitSeconds: 5_000 });
    await until("it was asked for four times", () => seen.length === 4);
    await until("the last has its place", () => seen[2]!.code !== undefined);

    under.plane.lock.release(token);
    await first;

    expect(ended).toBe(0);
    expect(seen.slice(0, 3).map(({ wait, code }) => [wait, code])).toEqual(Array(3).fill([600, "superseded"]));
  });

  test("ends with the refusal when its time is over", async () => {
    bob();
    const { client, seen } = through();

    expect(await outcome(nightly(client, { waitSeconds: 1 }, { longestWaitMs: 400 }))).toContain("Bob");
    expect(seen.length).toBeGreaterThan(1);
    expect(waiting()).toBe(0);
  });

  test("is granted by an older request when the newest is not heard", async () => {
    const token = bob();
    const { client, seen } = through((send, nth) => (nth === 2 ? deaf() : send()));
    const first = nightly(client, { ttlSeconds: 2 }, { longestWaitMs: 200 });
    await until("the second is on its way", () => seen.length === 2);

    under.plane.lock.release(token);
    const acquired = await first;

    expect(opens(acquired.token)).toBe(acquired.generation);
    expect(acquired.isFresh).toBe(false);
  });

  test("is granted by an older request also when nothing else comes through", async () => {
    const token = bob();
    const { client, seen } = through(async (send, nth) => {
      if (nth > 1) throw broken();
      return send();
    });
    const first = nightly(client);
    await until("others have failed", () => seen.length > 2);

    under.plane.lock.release(token);
    const acquired = await first;

    expect(opens(acquired.token)).toBe(acquired.generation);
    expect(acquired.isFresh).toBe(false);
  });

  test("leaves nobody in line when its caller gives up, whichever request waits there", async () => {
    bob();
    const gone = new AbortController();
    const { client, seen } = through((send, nth) => (nth === 2 ? deaf() : send()));
    const first = nightly(client, { signal: gone.signal }, { longestWaitMs: 300 });
    await until("one waits, another is on its way", () => waiting() === 1 && seen.length === 2);

    gone.abort(new Error("enough"));

    expect(await outcome(first)).toBe("enough");
    expect(waiting()).toBe(0);
  });

  test("gives back what an older request was granted unseen", async () => {
    const token = bob();
    const gone = new AbortController();
    const { client, seen } = through(async (send, nth) => {
      if (nth > 2) return send();
      if (nth === 1) await send();
      return deaf();
    });
    const first = nightly(client, { signal: gone.signal }, { longestWaitMs: 300 });
    await until("one waits, another is on its way", () => waiting() === 1 && seen.length === 2);
    under.plane.lock.release(token);
    await until("it is granted, and nobody knows", () => held()?.holder === "nightly");

    gone.abort(new Error("enough"));

    expect(await outcome(first)).toBe("enough");
    expect(held()).toBeNull();
  });

  test("takes its place back from a request of its own that came late", async () => {
    const token = bob();
    const { client, seen } = through(async (send, nth) => {
      if (nth === 1) await until("the second has its place", () => waiting() === 1);
      return send();
    });
    const first = nightly(client, {}, { longestWaitMs: 700 });
    await until("the first has taken the place of the second", () => seen[1]?.code === "superseded");
    await until("the third has taken it back", () => seen[0]?.code === "superseded");

    under.plane.lock.release(token);

    expect(opens((await first).token)).not.toBeNull();
  });
});

describe("a server that does not answer", () => {
  test("is given up soon after the time that the caller would wait", async () => {
    const { client, seen } = through(deaf);
    const began = performance.now();

    const error = await nightly(client, { waitSeconds: 0 }, { answerLimitMs: 200, giveUpMs: 1_500 }).catch(
      (no: unknown) => no,
    );

    expect(error).toMatchObject({ code: "no_answer" });
    // Giving back what may have been granted takes 5 s more.
    expect(performance.now() - began).toBeLessThan(1_500 + 5_000 + 1_000);
    expect(seen.length).toBe(3);
  });
});

test.each(["ttlSeconds", "waitSeconds"])("what is no number as %s is refused before anything is sent", async (name) => {
  const { client, seen } = through();

  const error = await withReservation(client, { holder: "nightly", [name]: Number.NaN }, async () => "never").catch(
    (no: unknown) => no,
  );

  expect(error).toEqual(new RangeError(`${name} is NaN: it has to be a number.`));
  expect(seen).toHaveLength(0);
});
