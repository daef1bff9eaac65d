/**
 * The token of a reservation, and the request id, are told in the answer to an acquire and nowhere else: every route is called,
 * everything that the controller says is kept, and both databases are read as bytes.
 */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROUTE_FILES } from "../../routes/_manifest.gen.ts";
import { Controller, makeDataDir } from "../support/controller.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(120_000);

/** No Spark answers there. */
const FILES = {
  "topology.yaml": "nodes:\n  - { name: spark-1, host: 127.0.0.1, ssh_port: 1, user: alice }\n",
  "models-overrides.yaml": "models:\n  small: { repo: acme/small, nodes: 1, gpu_memory_utilization: 0.2 }\n",
};
const STREAM_MS = 300;
/** So that one that is not answered ends the test with its name. */
const LIMIT_MS = 30_000;
/** Those behind the prefix, which may be written in percent, that are found where a text was cut too. */
const [FROM, CUT] = [10, 18];
const REQUEST_ID = "request-id-of-the-test-0192f0c1-2b7a-7c3e-9d55";

let data: ReturnType<typeof makeDataDir>;
let controller: Controller;
let receiver: Bun.Server<unknown>;
const posted: string[] = [];
beforeAll(async () => {
  data = makeDataDir(FILES);
  controller = await Controller.start({ dataDir: data.dataDir, env: { LOG_LEVEL: "debug" } });
  receiver = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      posted.push(JSON.stringify([...request.headers]) + (await request.text()));
      return new Response("ok");
    },
  });
});
afterAll(async () => {
  await controller.kill();
  receiver.stop(true);
  data.remove();
});

interface Given {
  readonly body?: unknown;
  readonly token?: string;
  readonly userAgent?: string;
}

/** Every answer but those to an acquire. */
const heard: string[] = [];

async function call(method: string, path: string, given: Given = {}): Promise<string> {
  const { body, token, userAgent } = given;
  const limit = AbortSignal.timeout(LIMIT_MS);
  const answer = await fetch(controller.url + path, {
    method,
    headers: {
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(token === undefined ? {} : { "x-swap-lock-token": token }),
      ...(userAgent === undefined ? {} : { "user-agent": userAgent }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: limit,
  });
  return `${answer.status} ${JSON.stringify([...answer.headers])} ${await readFor(answer, STREAM_MS)}`;
}

/** The whole body, or of a stream what comes within this time. */
async function readFor(answer: Response, ms: number): Promise<string> {
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  const over = Bun.sleep(ms).then(() => ({ done: true, value: undefined }) as const);
  let text = "";
  while (reader) {
    const { done, value } = await Promise.race([reader.read(), over]);
    if (done) break;
    text += value;
  }
  await reader?.cancel();
  return text;
}

function everyFile(): string[] {
  return [...new Bun.Glob("**/*").scanSync({ cwd: data.dataDir, dot: true })].map((name) =>
    readFileSync(join(data.dataDir, name), "latin1"),
  );
}

test("neither is found anywhere else", async () => {
  await call("POST", "/api/webhooks", { body: { url: `http://127.0.0.1:${receiver.port}/`, events: ["*"] } });
  const events = fetch(`${controller.url}/api/events`).then((answer) => readFor(answer, 6_000));
  const tokens: string[] = [];
  const acquire = async (more: Record<string, unknown> = {}) => {
    const answer = await controller.post("/api/swap/lock", { holder: "nightly", request_id: REQUEST_ID, ...more });
    const { token } = (await answer.json()) as { token: string };
    tokens.push(token);
    return token;
  };
  const say = async (...given: Parameters<typeof call>) => void heard.push(await call(...given));

  await acquire();
  const token = await acquire(); // The same request again: a new token.
  await acquire({ token }); // A renewal says again what it was given.
  await say("POST", "/api/swap/lock", { body: { holder: "Bob", request_id: REQUEST_ID } });
  await say("POST", "/api/swap/lock", { body: { holder: 5, token, request_id: REQUEST_ID } });
  await say("DELETE", "/api/swap/lock", { token: `${token}x` });
  await say("POST", "/api/swap", { body: { model: "small", lock_token: token } });
  await say("POST", "/api/swap", { body: { model: 5, lock_token: token } });
  await say("POST", `/api/swap?token=${token}`, { body: { model: "no-such-model" } });
  await say("POST", "/api/swap", { body: { model: "small", dry_run: true }, token });
  // Every route, with the token wherever it may be put.
  for (const { path } of ROUTE_FILES) {
    const url = `${path.replace(/:\w+/g, "x").replace(/\*$/, "x")}?token=${token}`;
    await say("GET", url, { token });
    // At that of the lock the others would release it.
    if (path === "/api/swap/lock") continue;
    for (const method of ["POST", "PUT", "PATCH", "DELETE"])
      await say(method, url, { body: { token, lock_token: token }, token });
    // And by mistake as a part of the path itself.
    for (const written of [token, token.replace("_", "%5F")]) {
      const mistaken: string = path.replace(/:\w+/g, written).replace(/\*$/, written);
      if (mistaken === path) continue;
      for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"]) await say(method, mistaken);
      for (const method of ["POST", "PUT", "PATCH", "DELETE"]) await say(method, mistaken, { body: {} });
    }
  }
  // And by mistake in a field that means something else.
  await say("POST", "/v1/chat/completions", { body: { model: token, messages: [] } });
  await say("POST", "/v1/chat/completions", { body: { model: `${"x".repeat(80)}${token}`, messages: [] } });
  await say("GET", `/api/activity/traffic?upstream=${token}`);
  await say("POST", "/api/swap/lock", { body: { holder: token, slots: [token] } });
  await say("POST", "/api/swap/x/drain", { body: { [token]: true } });
  await say("POST", "/api/downloads", { body: { model: token } });
  await say("PATCH", "/api/settings", { body: { values: { [token]: 1 } } });
  await say("PATCH", "/api/settings/services/kokoro", { body: { values: { [token]: 1 } } });
  const planned = { owner: "Alice", title: "nightly", at: "2099-01-01T00:00:00Z" };
  await say("POST", "/api/schedule", { body: { ...planned, title: token } });
  await say("POST", "/api/schedule", { body: { ...planned, note: `the token is ${token}` } });
  const hook = `http://127.0.0.1:${receiver.port}/`;
  await say("POST", "/api/webhooks", { body: { url: hook, name: token } });
  await say("POST", "/api/webhooks", { body: { url: `${hook}?token=${token.replace("_", "%5F")}` } });
  const taken = (answer: string | undefined) => !answer?.startsWith("422") || !answer.includes("token_misplaced");
  expect(heard.slice(-8).filter(taken)).toEqual([]);
  await acquire({ token, note: `the token is ${token}` });
  await say("GET", "/api/swap/lock");
  await until("requests for models are listed", async () => {
    const activity = await call("GET", "/api/activity");
    heard.push(activity);
    return activity.includes('"model":"xxx');
  });
  await say("GET", "/api/swap");
  await say("DELETE", `/api/swap/lock?force=true&reason=${token}`);
  await say("POST", "/api/swap/lock", { body: { holder: "nightly", token } });
  await say("POST", "/api/swap/lock", { body: { holder: "nightly", request_id: REQUEST_ID } });
  await say("POST", "/api/swap", { body: { model: "small" }, token });
  const next = await acquire({ holder: `nightly ${token}`, request_id: `${REQUEST_ID}-2`, ttl_seconds: 1 });
  await say("GET", "/api/swap/lock");
  await until("it has expired", async () => (await controller.get<{ held: boolean }>("/api/swap/lock")).held === false);
  await say("DELETE", "/api/swap/lock", { token: next });
  const last = await acquire({ request_id: `${REQUEST_ID}-3` });
  await say("DELETE", "/api/swap/lock?force=true", { userAgent: last });
  await until("webhooks have come", () => posted.some((text) => text.includes("swap_failed")), 20_000);
  const streamed = await events;
  // With what still is in the journal, and once everything is in its place.
  const files = everyFile();
  await controller.stop();
  files.push(...everyFile());

  const places = {
    answers: heard.join("\n"),
    events: streamed,
    log: controller.said,
    webhooks: posted.join("\n"),
    files: files.join("\n"),
  };
  // What was looked through is what was meant to be.
  expect(streamed).toContain("event: lock");
  expect(controller.said).toContain("lock.acquired");
  expect(places.files).toContain("lock.forced");
  expect(places.answers).toContain("the token is [redacted]");
  expect(heard.length).toBeGreaterThan(ROUTE_FILES.length * 5);
  const secrets = [...new Set(tokens)].map((secret) => secret.slice(FROM, CUT));
  for (const [place, text] of Object.entries(places))
    for (const secret of [...secrets, REQUEST_ID])
      expect(`${place} ${text.includes(secret) ? `holds ${secret}` : "holds nothing"}`).toBe(`${place} holds nothing`);
});
