import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Schedule, ScheduleEntry } from "../../lib/schedule/schedule.ts";
import { until } from "../support/until.ts";
import { type AppUnderTest, startApp } from "./_app-under-test.ts";

let under: AppUnderTest;
beforeAll(async () => {
  under = await startApp();
});
afterAll(() => under.close());

async function call<T>(method: string, path: string, body?: unknown): Promise<{ status: number; body: T }> {
  const answer = await under.call(method, `/api/schedule${path}`, {
    ...(body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: (await answer.json()) as T };
}

const NIGHTLY = {
  id: "nightly-index",
  owner: "crm",
  title: "Index the archive",
  cron: "0 3 * * *",
  model: "gpt-oss-20b",
};

describe("/api/schedule", () => {
  test("registers, replaces, shows and removes", async () => {
    const first = await call<ScheduleEntry>("POST", "", {
      ...NIGHTLY,
      timezone: "Europe/Berlin",
      duration_seconds: 3600,
    });
    expect(first).toMatchObject({ status: 201, body: { id: "nightly-index", timezone: "Europe/Berlin", stale: null } });
    expect(await call("POST", "", NIGHTLY)).toMatchObject({
      status: 200,
      body: { timezone: "UTC", duration_seconds: null },
    });

    const schedule = await call<Schedule>("GET", "?hours=48");
    expect(schedule.body.entries.map(({ id }) => id)).toEqual(["nightly-index"]);
    expect(schedule.body.runs.filter(({ starts_at }) => starts_at > schedule.body.now)).toHaveLength(2);
    expect(schedule.body.now).toEndWith("+00:00");
    expect(await call("GET", "/nightly-index")).toMatchObject({ status: 200, body: { title: "Index the archive" } });

    expect(await call("DELETE", "?id=nightly-index")).toMatchObject({
      status: 200,
      body: { removed: { id: "nightly-index" } },
    });
    expect(await call("DELETE", "?id=nightly-index")).toMatchObject({ status: 404, body: { code: "unknown_entry" } });
    await call("POST", "", NIGHTLY);
    expect((await call("DELETE", "/nightly-index")).status).toBe(200);
    await call("POST", "", NIGHTLY);
    expect((await call("DELETE", "", { id: "nightly-index" })).status).toBe(200);
    expect((await call("GET", "/nightly-index")).status).toBe(404);
  });

  test.each([
    [{ ...NIGHTLY, id: "../etc" }, "invalid"],
    [{ ...NIGHTLY, id: "a b" }, "invalid"],
    [{ ...NIGHTLY, id: "x".repeat(65) }, "invalid"],
    [{ ...NIGHTLY, id: "-x" }, "invalid"],
    [{ ...NIGHTLY, owner: "" }, "invalid"],
    [{ ...NIGHTLY, duration_seconds: 0 }, "invalid"],
    [{ ...NIGHTLY, duration_seconds: "60" }, "invalid"],
    [{ ...NIGHTLY, cron: "whenever" }, "unusable_cron"],
    [{ ...NIGHTLY, at: "2026-01-01" }, "at_or_cron"],
    [{ ...NIGHTLY, link: "javascript:alert(1)" }, "unusable_link"],
    [{ ...NIGHTLY, timezone: "Nowhere" }, "unknown_timezone"],
    [{ ...NIGHTLY, duration_second: 60 }, "unknown_field"],
  ])("refuses %j: %s", async (body, code) => {
    expect(await call("POST", "", body)).toMatchObject({ status: 422, body: { code } });
  });

  test("names a field that it does not know, and those that it does", async () => {
    const { body } = await call<{ detail: string }>("POST", "", { ...NIGHTLY, "duration-seconds": 60 });
    expect(body.detail).toContain('"duration-seconds"');
    expect(body.detail).toContain("duration_seconds");
  });

  test("asks which entry to remove", async () => {
    expect(await call("DELETE", "")).toMatchObject({ status: 422, body: { code: "id_missing" } });
    expect(await call("DELETE", "", {})).toMatchObject({ status: 422, body: { code: "id_missing" } });
  });

  test("tells the dashboard", async () => {
    const port = under.listen();
    const leave = new AbortController();
    const stream = await fetch(`http://127.0.0.1:${port}/api/events`, { signal: leave.signal });
    let text = "";
    const reading = (async () => {
      for await (const chunk of stream.body!) text += new TextDecoder().decode(chunk);
    })().catch(() => undefined);
    await until("the snapshot has come", () => text.includes("event: snapshot"));

    await call("POST", "", NIGHTLY);
    await until("the schedule has come", () => /event: schedule\ndata: .*nightly-index/.test(text));
    leave.abort();
    await reading;
  });
});
