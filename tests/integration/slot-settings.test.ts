/** Slots as settings of a running cluster: there at once, and where they are as long as somebody has reserved them. */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Status } from "../../lib/status.ts";
import { type Demo, startDemo } from "../support/demo.ts";

setDefaultTimeout(60_000);

let demo: Demo;
afterEach(() => demo?.close());

async function send<T>(method: string, path: string, body?: unknown): Promise<{ status: number; body: T }> {
  const answer = await fetch(demo.url + path, {
    method,
    headers: { "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: (await answer.json()) as T };
}
const slots = async () => (await send<Status>("GET", "/api/status")).body.slots.map(({ name }) => name);
const SECOND = "/api/settings/slots/second";

test("a slot is added, and a model is loaded there; it goes again", async () => {
  demo = await startDemo({ services: false });
  const values = { nodes: ["spark-2"], port: 8899, container: "vllm_second" };

  expect((await send("PATCH", SECOND, { values })).status).toBe(200);
  expect(await slots()).toEqual(["main", "second"]);
  expect(await demo.swap("gpt-oss-20b", { slot: "second" })).toMatchObject({ state: "ready", slot: "second" });

  expect((await send("DELETE", SECOND)).status).toBe(200);
  expect(await slots()).toEqual(["main"]);
  expect(await send("DELETE", SECOND)).toMatchObject({ status: 404, body: { code: "no_such_slot" } });
});

test("the comments of a list that had nothing else in it stay", async () => {
  const comments = "slots:\n  # such as\n  # - name: second\n";
  demo = await startDemo({ services: false, topology: (yaml) => yaml.replace(/^slots:\n(?: .*\n)*/m, comments) });
  await send("PATCH", SECOND, { values: { nodes: ["spark-2"], port: 8899, container: "vllm_second" } });
  expect(readFileSync(join(demo.dataDir, "topology.yaml"), "utf8")).toContain(comments);
});

test("one that is reserved keeps its place unless the token is shown", async () => {
  demo = await startDemo({ services: false });
  await send("PATCH", SECOND, { values: { nodes: ["spark-2"], port: 8899, container: "vllm_second" } });
  const { token } = (await send<{ token: string }>("POST", "/api/swap/lock", { holder: "nightly" })).body;
  const refused = { status: 423, body: { code: "reserved", lock: { holder: "nightly" } } };

  expect(await send("PATCH", SECOND, { values: { port: 8900 } })).toMatchObject(refused);
  expect(await send("DELETE", SECOND)).toMatchObject(refused);
  expect(await slots()).toEqual(["main", "second"]);

  expect((await send("DELETE", `${SECOND}?token=${token}`)).status).toBe(200);
  expect(await slots()).toEqual(["main"]);
});
