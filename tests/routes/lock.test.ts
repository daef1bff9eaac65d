import { afterAll, beforeAll, beforeEach, describe, expect, spyOn, test } from "bun:test";
import { until } from "../support/until.ts";
import { type AppUnderTest, startApp } from "./_app-under-test.ts";

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: each case reads what it expects
  readonly body: any;
}

let under: AppUnderTest;
let port: number;
beforeAll(async () => {
  under = await startApp();
  port = under.listen();
});
afterAll(() => under.close());
beforeEach(async () => void (await call("DELETE", "?force=true")));

async function call(method: string, query = "", body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const answer = await under.call(method, `/api/swap/lock${query}`, {
    headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: await answer.json() };
}

const acquire = (holder = "nightly", more = {}) => call("POST", "", { holder, ...more });

describe("GET /api/swap/lock", () => {
  test("is the lock, not a swap called lock", async () => {
    expect(await call("GET")).toEqual({ status: 200, body: { held: false } });
  });

  test("shows who holds it, never the token", async () => {
    const { token, ...granted } = (await acquire("nightly", { note: "transcripts" })).body;

    const { status, body } = await call("GET");

    expect(status).toBe(200);
    expect(body).toEqual({ ...granted, waiting: 0, seconds_remaining: expect.any(Number) });
    expect(JSON.stringify(body)).not.toContain(token);
  });
});

describe("POST /api/swap/lock", () => {
  test("answers with everything that existing clients read", async () => {
    const { status, body } = await acquire("nightly", { ttl_seconds: 60, note: "transcripts" });

    expect(status).toBe(200);
    expect(body).toMatchObject({
      held: true,
      holder: "nightly",
      note: "transcripts",
      seconds_remaining: 60,
      slots: null,
    });
    for (const time of [body.acquired_at, body.expires_at]) expect(time).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+\+00:00$/);
    expect(Date.parse(body.expires_at) - Date.parse(body.acquired_at)).toBe(60_000);
    expect(body.token).toMatch(/^sparklock_[\w-]{43}$/);
  });

  test("fields that are null count as left out", async () => {
    const nothing = { ttl_seconds: null, note: null, token: null, request_id: null, slots: null };

    const first = await acquire("nightly", nothing);
    const again = await acquire("nightly", { ...nothing, token: first.body.token });

    expect([first.status, first.body.seconds_remaining]).toEqual([200, 900]);
    expect([again.status, again.body.generation]).toEqual([200, first.body.generation]);
  });

  test("held by another is 409 with the lock, without its token", async () => {
    const { token, ...granted } = (await acquire()).body;

    const { status, body } = await acquire("Bob");

    expect([status, body.code]).toEqual([409, "reserved"]);
    expect({ held: true, ...body.lock }).toMatchObject({ ...granted, seconds_remaining: expect.any(Number) });
    expect(JSON.stringify(body)).not.toContain(token);
  });

  test.each<[string, (token: string) => [string, unknown, Record<string, string>]]>([
    ["body field token", (token) => ["", { token }, {}]],
    ["body field lock_token", (token) => ["", { lock_token: token }, {}]],
    ["header", (token) => ["", {}, { "X-Swap-Lock-Token": token }]],
    ["query", (token) => [`?token=${token}`, {}, {}]],
  ])("is extended with the token as %s", async (_, place) => {
    const { token, generation } = (await acquire()).body;
    const [query, more, headers] = place(token);

    const { status, body } = await call(
      "POST",
      query,
      { holder: "nightly", ttl_seconds: 1200, ...(more as object) },
      headers,
    );

    expect([status, body.generation, body.seconds_remaining, body.token]).toEqual([200, generation, 1200, token]);
  });

  test.each([
    [{}],
    [{ holder: "" }],
    [{ holder: "   " }],
    [{ holder: "a\nb" }],
    [{ holder: "x".repeat(101) }],
    [{ holder: 5 }],
    [{ holder: "nightly", ttl_seconds: "soon" }],
    [{ holder: "nightly", request_id: "too short" }],
    [{ holder: "nightly", slots: [] }],
  ])("%j is 422", async (body) => {
    expect((await call("POST", "", body)).status).toBe(422);
  });

  test("an error never repeats what was sent", async () => {
    const answer = await call("POST", "?wait=x", { holder: 5, token: "secret-token" });

    expect(answer.status).toBe(422);
    expect(JSON.stringify(answer.body)).not.toContain("secret-token");
  });

  test("a slot that does not exist is 404", async () => {
    const { status, body } = await acquire("nightly", { slots: ["no-such-slot"] });

    expect([status, body.code]).toEqual([404, "unknown_slot"]);
  });

  test("waits in line with ?wait, and is answered in the moment of the release", async () => {
    const { token } = (await acquire()).body;
    const waiting = call("POST", "?wait=30", { holder: "Bob" });
    await until("it waits", async () => (await call("GET")).body.waiting === 1);

    await call("DELETE", "", undefined, { "x-swap-lock-token": token });

    expect((await waiting).body).toMatchObject({ held: true, holder: "Bob" });
  });

  test.each([
    ["0.5", 500],
    ["600", 600_000],
    ["86400", 600_000],
  ])("?wait=%s waits %p ms at most", async (seconds, ms) => {
    using asked = spyOn(under.plane.lock, "acquireOrWait");

    expect((await call("POST", `?wait=${seconds}`, { holder: "Bob" })).status).toBe(200);

    expect(asked.mock.calls.map(([, waitMs]) => waitMs)).toEqual([ms]);
  });

  test("a client that leaves the line gets nothing", async () => {
    const { token } = (await acquire()).body;
    const leaving = new AbortController();
    const left = fetch(`http://127.0.0.1:${port}/api/swap/lock?wait=30`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"holder":"Bob"}',
      signal: leaving.signal,
    }).catch((error: Error) => error.name);
    await until("it waits", async () => (await call("GET")).body.waiting === 1);

    leaving.abort();
    await left;
    await until("it is noticed", async () => (await call("GET")).body.waiting === 0);
    await call("DELETE", `?token=${token}`);

    expect((await call("GET")).body).toEqual({ held: false });
  });
});

describe("a client that is gone in the moment of its answer", () => {
  /** Asks with `?wait`, and is gone as soon as `type` has happened, before it is answered. */
  async function goneAt(type: "lock.acquired" | "lock.renewed", body: object): Promise<number> {
    const gone = new AbortController();
    const unsubscribe = under.plane.events.subscribe((event) => void (event.type === type && gone.abort()));
    const headers = { host: "localhost", "content-type": "application/json" };
    const init = { method: "POST", headers, body: JSON.stringify(body), signal: gone.signal };
    const { status } = await under.app.handle(new Request("http://localhost/api/swap/lock?wait=30", init));
    unsubscribe();
    expect(gone.signal.aborted).toBe(true);
    return status;
  }

  test("gives back what it had newly got, for nobody knows the token", async () => {
    expect(await goneAt("lock.acquired", { holder: "Bob" })).toBe(408);

    expect((await call("GET")).body).toEqual({ held: false });
  });

  test("keeps what it has renewed: that was acknowledged long ago", async () => {
    const { token, generation } = (await acquire()).body;

    expect(await goneAt("lock.renewed", { holder: "nightly", token })).toBe(200);

    expect((await acquire("nightly", { token })).body.generation).toBe(generation);
  });

  test.each([["first"], ["repeated"]])(
    "can ask again with its request id when the %s answer was lost",
    async (which) => {
      const body = { holder: "nightly", request_id: crypto.randomUUID() };
      if (which === "repeated") expect((await call("POST", "", body)).status).toBe(200);

      expect(await goneAt("lock.acquired", body)).toBe(200);

      const { generation } = (await call("GET")).body;
      const again = await call("POST", "", body);
      expect([again.status, again.body.generation]).toEqual([200, generation]);
    },
  );
});

describe("DELETE /api/swap/lock", () => {
  test.each<[string, (token: string) => Promise<Answer>]>([
    ["header", (token) => call("DELETE", "", undefined, { "X-Swap-Lock-Token": token })],
    ["query", (token) => call("DELETE", `?token=${token}`)],
    ["body field token", (token) => call("DELETE", "", { token })],
  ])("releases with the token as %s", async (_, release) => {
    const { token } = (await acquire()).body;

    expect(await release(token)).toEqual({ status: 200, body: { held: false } });
    expect((await call("GET")).body).toEqual({ held: false });
    // A second time nothing is held.
    expect(await release(token)).toEqual({ status: 200, body: { held: false } });
  });

  test("with a wrong token, or none, is 403 and shows who holds it", async () => {
    await acquire();

    for (const query of ["", "?token=wrong", "?force=false"]) {
      const { status, body } = await call("DELETE", query);
      expect([status, body.code, body.lock.holder]).toEqual([403, "wrong_token", "nightly"]);
    }
    expect((await call("GET")).body.held).toBe(true);
  });

  test("by force names the generation that the person saw", async () => {
    const { generation } = (await acquire()).body;

    const other = await call("DELETE", `?force=true&generation=${generation - 1}`);
    expect([other.status, other.body.code, other.body.lock.generation]).toEqual([409, "other_reservation", generation]);

    const meant = await call("DELETE", `?force=true&generation=${generation}&reason=demo`);
    expect(meant).toEqual({ status: 200, body: { held: false } });
    const forced = under.logged.filter((line) => line.includes("lock.forced"));
    expect(forced.length).toBeGreaterThan(0);
  });

  test("a page of another origin can neither reserve nor release", async () => {
    await acquire();

    for (const [method, body] of [
      ["POST", { holder: "evil" }],
      ["DELETE", undefined],
    ] as const)
      expect((await call(method, "?force=true", body, { origin: "http://evil.example.com" })).status).toBe(403);
    expect((await call("GET")).body.held).toBe(true);
  });
});

describe("while it is held", () => {
  test("the status shows it, and the stream tells of it", async () => {
    const stream = await fetch(`http://127.0.0.1:${port}/api/events`);
    const { token, held, ...granted } = (await acquire()).body;
    await call("DELETE", "?force=true");

    const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while ((text.match(/^event: lock$/gm) ?? []).length < 2) text += (await reader.read()).value;
    await reader.cancel();

    const told = [...text.matchAll(/^event: lock\ndata: (.*)$/gm)].map((match) => JSON.parse(match[1]!));
    expect(told[0]).toEqual({ lock: { ...granted, seconds_remaining: expect.any(Number) }, lock_waiting: 0 });
    expect(told[1]).toEqual({ lock: null, lock_waiting: 0 });
    expect(JSON.parse(/^event: snapshot\ndata: (.*)$/m.exec(text)![1]!).status.lock).toBeNull();
    expect(text).not.toContain(token);
  });

  test("both tell how many wait in line, and the stream when it is another number", async () => {
    const stream = await fetch(`http://127.0.0.1:${port}/api/events`);
    const { token } = (await acquire()).body;
    const waits = call("POST", "?wait=30", { holder: "Bob" });
    await until("it waits", () => under.plane.lock.waiting === 1);
    const status = await (await under.call("GET", "/api/status")).json();
    await call("DELETE", "", undefined, { "x-swap-lock-token": token });
    expect((await waits).status).toBe(200);

    const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.includes('"lock_waiting":1') || !/"lock_waiting":0}\n\n$/.test(text))
      text += (await reader.read()).value;
    await reader.cancel();
    const told = [...text.matchAll(/^event: lock\ndata: (.*)$/gm)].map((match) => JSON.parse(match[1]!));
    expect(status.lock_waiting).toBe(1);
    expect(told[1]).toEqual({ lock: expect.objectContaining({ holder: "nightly" }), lock_waiting: 1 });
    expect(told.at(-1)).toEqual({ lock: expect.objectContaining({ holder: "Bob" }), lock_waiting: 0 });
  });
});
