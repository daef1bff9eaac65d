/** The first run over HTTP: from nothing configured to checked, saved Sparks. The simulated ones play the real ones. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import type { ProblemDocument } from "../../lib/http/problem.ts";
import type { CheckResult } from "../../lib/setup/check.ts";
import { type Demo, startDemo } from "../support/demo.ts";
import { eventsOf } from "../support/event-text.ts";
import { until } from "../support/until.ts";
import { type AppUnderTest, startApp } from "./_app-under-test.ts";

setDefaultTimeout(20_000);

const FINGERPRINT = `SHA256:${"A".repeat(43)}`;
const JSON_TYPE = { "content-type": "application/json" };

describe("without any Spark to reach", () => {
  let under: AppUnderTest;
  beforeAll(async () => {
    under = await startApp();
  });
  afterAll(() => under.close());
  const send = async (method: string, path: string, body?: unknown) => {
    const answer = await under.call(method, path, { headers: JSON_TYPE, body: JSON.stringify(body) });
    return { status: answer.status, body: (await answer.json()) as ProblemDocument };
  };

  test("the settings are empty, and the line to paste holds the public key", async () => {
    const answer = await under.call("GET", "/api/setup");
    const body = (await answer.json()) as Record<string, unknown>;

    expect(body).toMatchObject({ nodes: [], simulation: "impossible", public_key: under.plane.identity.publicKeyLine });
    expect(body.authorize_line).toContain(`'${under.plane.identity.publicKeyLine}'`);
    expect(JSON.stringify(body)).not.toContain("PRIVATE");
  });

  test.each([
    ["PUT", "/api/setup", { nodes: [] }],
    ["PUT", "/api/setup", { nodes: [{ name: "spark-1", host: 5, user: "alice" }] }],
    ["PUT", "/api/setup", { nodes: [{ name: "spark-1", host: "a", user: "alice", ssh_port: "22" }] }],
    [
      "POST",
      "/api/setup/check",
      { nodes: Array.from({ length: 9 }, (_, at) => ({ name: `s${at}`, host: `h${at}`, user: "a" })) },
    ],
    ["POST", "/api/setup/check", { nodes: [{ name: "spark-1", host: "a b", user: "alice" }] }],
    ["POST", "/api/setup/confirm", { host: "10.77.0.11", ssh_port: 22, fingerprint: "no" }],
  ])("malformed, and refused with the place: %s %s %j", async (method, path, wrong) => {
    const { status, body } = await send(method, path, wrong);

    expect(status).toBe(422);
    expect(body.errors![0]!.path).toMatch(/^\/(nodes|fingerprint)/);
  });

  test("a key that no host showed is not confirmed", async () => {
    const body = { host: "10.77.0.11", ssh_port: 22, fingerprint: FINGERPRINT };
    const answer = await send("POST", "/api/setup/confirm", body);

    expect(answer).toMatchObject({ status: 409, body: { code: "other_host_key" } });
    expect(under.plane.hostKeys.list()).toEqual([]);
  });

  test("an app that is no process of its own does not switch", async () => {
    for (const method of ["POST", "DELETE"]) {
      const answer = await send(method, "/api/simulated");
      expect(answer).toMatchObject({ status: 503, body: { code: "no_simulation" } });
    }
  });
});

describe("the first run", () => {
  let demo: Demo;
  beforeEach(async () => {
    demo = await startDemo({ topology: () => "# mine\nnodes: []\n" });
  });
  afterEach(() => demo.close());

  const nodes = () =>
    demo.cluster.nodes.map(({ name, address, sshPort }) => ({ name, host: address, user: "spark", ssh_port: sshPort }));
  const body = () => ({ nodes: nodes(), vllm: { port: demo.cluster.vllmPort } });
  const put = (what: unknown) =>
    fetch(`${demo.url}/api/setup`, { method: "PUT", headers: JSON_TYPE, body: JSON.stringify(what) });
  async function check(): Promise<CheckResult[]> {
    const answer = await demo.post("/api/setup/check", body());
    expect(answer.headers.get("content-type")).toStartWith("text/event-stream");
    const events = eventsOf(await answer.text());
    expect([events[0]!.event, events.at(-1)!.event]).toEqual(["checks", "end"]);
    return events.filter(({ event }) => event === "result").map(({ data }) => data as CheckResult);
  }
  const confirm = async (results: readonly CheckResult[]) => {
    for (const { node, confirm: shown } of results) {
      const { host, ssh_port } = nodes().find(({ name }) => name === node)!;
      if (shown) {
        const answer = await demo.post("/api/setup/confirm", { host, ssh_port, fingerprint: shown.fingerprint });
        expect(answer.status).toBe(200);
      }
    }
  };

  test("goes from nothing to Sparks that a model can be loaded on", async () => {
    await confirm(await check());
    const results = await check();
    expect(results.filter(({ state }) => state !== "ok")).toEqual([]);
    expect(results.length).toBe(21);

    const saved = await put(body());

    expect(saved.status).toBe(200);
    expect(await Bun.file(join(demo.dataDir, "topology.yaml")).text()).toStartWith("# mine\n");
    await until("both Sparks are reachable", async () => {
      const status = (await (await fetch(`${demo.url}/api/status`)).json()) as { nodes: { state: string }[] };
      return status.nodes.length === 2 && status.nodes.every(({ state }) => state === "reachable");
    });
    expect((await demo.swap("gpt-oss-20b")).state).toBe("ready");
    const audit = (await (await fetch(`${demo.url}/api/audit`)).json()) as { entries: { action: string }[] };
    const actions = audit.entries.map(({ action }) => action);
    expect(actions.filter((action) => action === "confirmHostKey").length).toBe(2);
    expect(actions).toContain("saveSetup");
    expect(actions).not.toContain("checkSetup");
    expect((await check()).filter(({ state }) => state !== "ok")).toEqual([]);
  });

  test("a Spark whose shown identity nobody confirmed is not saved", async () => {
    await check();

    const refused = await put(body());

    expect(refused.status).toBe(409);
    expect(await refused.json()).toMatchObject({ code: "host_key_unconfirmed", node: "spark-1" });
    expect(demo.plane.hostKeys.list()).toEqual([]);
    expect(demo.plane.config.current.topology.nodes).toEqual([]);
  });

  test("a change is taken up at once", async () => {
    await confirm(await check());
    await put(body());

    await put({ ...body(), vllm: { port: demo.cluster.vllmPort, container: "other_name" } });

    expect(demo.plane.config.current.topology.slots[0]!.container).toBe("other_name");
  });

  test("a check that nobody reads any more lets go", async () => {
    demo.cluster.inject({ kind: "unreachable", how: "silent" });
    const asked = new AbortController();
    const runs = Array.from({ length: 4 }, () =>
      fetch(`${demo.url}/api/setup/check`, {
        method: "POST",
        headers: JSON_TYPE,
        body: JSON.stringify(body()),
        signal: asked.signal,
      }),
    );
    await Promise.all(runs);
    const fifth = await demo.post("/api/setup/check", body());
    expect(fifth.status).toBe(503);
    expect(await fifth.json()).toMatchObject({ code: "too_many_checks" });

    asked.abort();

    await until("another check is let in", async () => {
      const answer = await demo.post("/api/setup/check", body());
      await answer.body?.cancel();
      return answer.status === 200;
    });
  });
});
