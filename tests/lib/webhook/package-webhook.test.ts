/** The webhook that the StartOS package sets: taken over live, changed in the dashboard, shown to the form without its secret. */
import { expect, test } from "bun:test";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createEventBus } from "../../../lib/events/bus.ts";
import { createLogger } from "../../../lib/log.ts";
import { followPackageWebhook, PACKAGE_WEBHOOK_FILE, PACKAGE_WEBHOOK_ID } from "../../../lib/package-webhook.ts";
import { openStore } from "../../../lib/store/store.ts";
import { Webhooks } from "../../../lib/webhook/webhooks.ts";
import { until } from "../../support/until.ts";
import { temporaryFolder } from "../store/_folder.ts";

const URL_ONE = "http://10.77.0.30/hook";
const URL_TWO = "http://10.77.0.31/hook";

function bench() {
  const folder = temporaryFolder();
  const store = openStore(folder.path);
  const events = createEventBus();
  const lines: string[] = [];
  const reported: unknown[] = [];
  const webhooks = new Webhooks({
    ...{ db: store.facts, env: {}, version: "0.0.0", simulated: false, retryDelaysMs: undefined },
    ...{ ownPort: () => null, now: Date.now, random: Math.random, onDelivery: () => undefined },
    send: () => Promise.reject(new Error("nothing is sent here")),
    onChange: (event) => events.publish(event),
    report: (error) => reported.push(error),
  });
  const path = join(folder.path, PACKAGE_WEBHOOK_FILE);
  const log = createLogger({ level: "debug", write: (line) => lines.push(line) });
  const means = { dataDir: folder.path, webhooks, events, log, lookMs: 5, report: (e: unknown) => reported.push(e) };
  let follower = followPackageWebhook(means);
  return {
    ...{ store, webhooks, lines, reported, path },
    /** As Configure Sparks writes it. */
    want: (url: string | null, secret: string | null = null) =>
      writeFileSync(path, JSON.stringify({ url, secret, wanted: true })),
    said: () => JSON.parse(readFileSync(path, "utf8")) as { url: string | null; secret: null; wanted: boolean },
    restart(between: () => void) {
      follower.close();
      between();
      follower = followPackageWebhook(means);
    },
    [Symbol.asyncDispose]: async () => {
      follower.close();
      await webhooks.close();
      store.close();
      folder[Symbol.dispose]();
    },
  };
}

const taken = (it: ReturnType<typeof bench>) => until("it is taken over", () => !it.said().wanted);
const one = (it: ReturnType<typeof bench>) => it.webhooks.list().find(({ id }) => id === PACKAGE_WEBHOOK_ID);

test("where no package has written nothing is made", async () => {
  await using it = bench();
  it.webhooks.add({ url: URL_ONE });

  expect([existsSync(it.path), it.webhooks.list().length, one(it)]).toEqual([false, 1, undefined]);
});

test("it becomes a webhook like any other; its secret leaves the file and appears nowhere", async () => {
  await using it = bench();
  it.want(URL_ONE, "hunter2-of-startos");
  await taken(it);

  expect(one(it)).toMatchObject({ url: URL_ONE, name: "StartOS", source: "settings", has_secret: true, enabled: true });
  expect(it.said()).toEqual({ url: URL_ONE, secret: null, wanted: false });
  expect(statSync(it.path).mode & 0o777).toBe(0o600);
  expect(it.lines.join("")).not.toContain("hunter2");
});

test("what is changed in the dashboard stays, and the form shows it", async () => {
  await using it = bench();
  it.want(URL_ONE, "hunter2");
  await taken(it);

  it.webhooks.change(PACKAGE_WEBHOOK_ID, { url: URL_TWO, events: ["*"], name: "Nightly" });
  await until("the form shows it", () => it.said().url === URL_TWO);
  it.restart(() => undefined);
  expect(one(it)).toMatchObject({ url: URL_TWO, events: ["*"], name: "Nightly", has_secret: true });

  // The form with another address: events, name and secret of the dashboard stay.
  it.want(URL_ONE);
  await taken(it);
  expect(one(it)).toMatchObject({ url: URL_ONE, events: ["*"], name: "Nightly", has_secret: true });

  it.webhooks.remove(PACKAGE_WEBHOOK_ID);
  await until("the form shows that there is none", () => it.said().url === null);
  expect(it.webhooks.list()).toEqual([]);
});

test("a blank address takes it away, others stay", async () => {
  await using it = bench();
  const other = it.webhooks.add({ url: URL_TWO });
  it.want(URL_ONE);
  await taken(it);
  it.want(null);
  await taken(it);

  expect(it.webhooks.list().map(({ id }) => id)).toEqual([other.id]);
});

test("what was wanted while the controller did not run is taken over at its start", async () => {
  await using it = bench();
  it.restart(() => it.want(URL_ONE, "hunter2"));

  expect(one(it)).toMatchObject({ url: URL_ONE, has_secret: true });
  expect(it.said()).toEqual({ url: URL_ONE, secret: null, wanted: false });
});

test("an address that cannot be used changes nothing, is said in the log, and its secret does not stay in the file", async () => {
  await using it = bench();
  it.want(URL_ONE);
  await taken(it);
  it.want("http://169.254.169.254/", "hunter2");
  await taken(it);

  expect(one(it)?.url).toBe(URL_ONE);
  expect(it.said()).toEqual({ url: URL_ONE, secret: null, wanted: false });
  expect(it.lines.join("")).toContain("metadata address");
  expect(it.lines.join("")).not.toContain("hunter2");
});

test("a damaged file wants nothing and is left as it is", async () => {
  await using it = bench();
  it.want(URL_ONE);
  await taken(it);
  for (const text of ["", "{", '{"url": 5}', "[]", `{"url": "${URL_TWO}", "secret": null, "wanted": "yes"}`])
    it.restart(() => {
      writeFileSync(it.path, text);
    });

  expect(one(it)?.url).toBe(URL_ONE);
  expect(it.reported).toEqual([]);
});
