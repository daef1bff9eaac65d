/** The process as people run it: into the simulated cluster at the press of a button, and back. */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Status } from "../../lib/status.ts";
import { Controller, makeDataDir } from "../support/controller.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

let data: ReturnType<typeof makeDataDir>;
let controller: Controller;
afterEach(async () => {
  await controller?.kill();
  data?.remove();
});

async function begin(
  files: Readonly<Record<string, string>> = {},
  more: Partial<Parameters<typeof Controller.start>[0]> = {},
) {
  data = makeDataDir(files);
  controller = await Controller.start({ dataDir: data.dataDir, env: { SIM_SPEED: "200" }, ...more });
}
const send = (method: string, headers: Record<string, string> = {}) =>
  fetch(`${controller.url}/api/simulated`, { method, headers });
const status = async () => {
  const answer = await fetch(`${controller.url}/api/status`);
  return { header: answer.headers.get("x-spark-simulated"), body: (await answer.json()) as Status };
};
const shows = (simulated: boolean) =>
  until(`the ${simulated ? "simulated" : "real"} cluster is shown`, async () => {
    const now = await status().catch(() => null);
    return now?.body.simulated === simulated;
  });

test("there and back on the same port, with data of its own", async () => {
  await begin();
  expect((await status()).header).toBeNull();
  const key = (await status()).body.public_key;

  expect((await send("POST")).status).toBe(202);
  await shows(true);

  const simulated = await status();
  expect(simulated.header).toBe("1");
  expect(simulated.body.nodes.map(({ name }) => name)).toEqual(["spark-1", "spark-2"]);
  expect((await controller.swap("gpt-oss-20b")).state).toBe("ready");
  expect(existsSync(join(data.dataDir, "simulated/topology.yaml"))).toBe(true);
  expect(existsSync(join(data.dataDir, "topology.yaml"))).toBe(false);
  expect((await send("POST")).status).toBe(409);

  expect((await send("DELETE")).status).toBe(202);
  await shows(false);

  const real = await status();
  expect(real).toMatchObject({ header: null, body: { configured: false, nodes: [], public_key: key } });
  expect((await send("DELETE")).status).toBe(409);
  expect((await fetch(`${controller.url}/api/swap`)).status).toBe(200);
  expect(((await (await fetch(`${controller.url}/api/swap`)).json()) as { swaps: unknown[] }).swaps).toEqual([]);
  // And once more: nothing of the first time is in the way.
  expect((await send("POST")).status).toBe(202);
  await shows(true);
  expect(await controller.stop()).toBe(0);
});

test("a restart of the process is real again", async () => {
  await begin();
  await send("POST");
  await shows(true);
  await controller.kill();

  controller = await Controller.start({ dataDir: data.dataDir });

  expect((await status()).body.simulated).toBe(false);
});

test("an open stream ends, so that the page connects anew", async () => {
  await begin();
  const stream = await fetch(`${controller.url}/api/events`);
  const reader = stream.body!.getReader();
  await reader.read();

  await send("POST");

  for (let done = false; !done; ) ({ done } = await reader.read().catch(() => ({ done: true })));
  await shows(true);
});

test("is refused while Sparks are configured, even badly, and from a foreign page", async () => {
  await begin({ "topology.yaml": "nodes:\n  - name: spark-1\n    host: 192.0.2.1\n" });

  const refused = await send("POST");
  expect(refused.status).toBe(409);
  expect(await refused.json()).toMatchObject({ code: "sparks_configured" });
  expect((await send("POST", { origin: "http://evil.example" })).status).toBe(403);
  expect((await status()).body.simulated).toBe(false);
});

test("what goes wrong while it is made ready changes nothing", async () => {
  await begin({}, { env: { SIM_FAULTS: "nonsense" } });

  const refused = await send("POST");

  expect(refused.status).toBe(503);
  expect(((await refused.json()) as { detail: string }).detail).toContain("SIM_FAULTS is not a JSON list");
  expect((await status()).body.simulated).toBe(false);
  expect((await send("POST")).status).toBe(503);
});

test("the simulator is not loaded before it is asked for", async () => {
  await begin();

  const maps = Bun.file(`/proc/${controller.process.pid}/fd`);
  expect(readdirSync(maps.name!).length).toBeGreaterThan(0);
  const listening = Bun.spawnSync(["ss", "-Hltnp"]).stdout.toString().split("\n");
  const own = listening.filter((line) => line.includes(`pid=${controller.process.pid},`));
  expect(own.length).toBe(1);
});
