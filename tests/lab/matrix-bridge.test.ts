/** The Matrix bridge with real git, OpenSSH and containers: an update that succeeds, that git refuses, that outlasts its cap, that outlives the controller. */
import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { BotUpdate } from "../../lib/bot/bot-update.ts";
import { readEvents } from "../bench/event-stream.ts";
import { Controller } from "../support/controller.ts";
import { requirement } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { labAvailability } from "./available.ts";
import { type Bridge, installBridge } from "./bridge-lab.ts";
import { type Lab, startLab } from "./lab.ts";
import { removeContainers } from "./launch.ts";
import { inspect, type Watch, watch } from "./services-lab.ts";

setDefaultTimeout(120_000);
const LONG_MS = 60_000;
const SERVICES = "services:\n  matrix-bridge: { node: spark-2, user: bridge }\n";

const { available, how } = await labAvailability();

requirement(
  "the Matrix bridge in the lab",
  available,
  how,
)("the Matrix bridge in the lab", () => {
  let lab: Lab;
  let bridge: Bridge;
  let its: Watch;
  beforeAll(async () => {
    lab = await startLab({ dialect: "new" });
    bridge = await installBridge(lab);
  });
  afterEach(() => its?.end());
  afterAll(async () => {
    if (lab) await removeContainers(lab);
    await lab?.close();
  });

  async function begin(limitSeconds = 60): Promise<void> {
    its = await watch(lab, { services: SERVICES, settings: `  update_limit_seconds: ${limitSeconds}\n` });
    await bridge.authorize(its.data.publicKeyLine);
    await until("it is healthy", async () => (await its.service("matrix-bridge")).state === "healthy", LONG_MS);
  }
  const update = () => its.controller.get<BotUpdate>("/api/matrix-bridge/update");
  const start = async () => (await its.controller.post("/api/matrix-bridge/update")).status;
  const ended = () => until("the update has ended", async () => (await update()).state !== "running", LONG_MS);
  const states = ({ steps }: BotUpdate) => steps.map(({ state }) => state);
  const leftovers = async () =>
    (await lab.worker.processes())
      .filter(({ args }) => /spark-bot-update|sleep 7777/.test(args))
      .map(({ args }) => args);

  test("without a user it is hidden", async () => {
    its = await watch(lab, { services: "services: {}\n" });
    expect((await fetch(`${its.controller.url}/api/services/matrix-bridge`)).status).toBe(404);
    expect(await start()).toBe(404);
  });

  test("an update brings the newest commit into the container, and shows what git and docker say", async () => {
    await begin();
    const commit = await bridge.publish("second");
    const before = await inspect(lab.worker, "matrix-bridge");

    expect(await start()).toBe(202);
    const lines: string[] = [];
    const url = `${its.controller.url}/api/matrix-bridge/update/stream`;
    for await (const { event, data } of readEvents(url, AbortSignal.timeout(LONG_MS)))
      if (event === "output") lines.push(...(data as { lines: { line: string }[] }).lines.map(({ line }) => line));

    expect(await update()).toMatchObject({ state: "succeeded", reason: null });
    expect(states(await update())).toEqual(["done", "done", "done"]);
    expect(await bridge.head()).toBe(commit);
    expect(lines.some((line) => line.includes("main       -> origin/main"))).toBe(true);
    expect(lines).toContain(`HEAD is now at ${commit.slice(0, 7)} second`);
    expect(lines.at(-1)).toBe(" Container matrix-bridge  Started");
    expect((await inspect(lab.worker, "matrix-bridge"))?.StartedAt).not.toBe(before?.StartedAt ?? "");
    await until(
      "the new one speaks",
      async () => {
        const { lines } = await its.controller.get<{ lines: { line: string }[] }>("/api/matrix-bridge/logs?tail=1");
        return lines[0]?.line === "second";
      },
      LONG_MS,
    );
    await until("its watchman has gone", async () => (await leftovers()).length === 0, LONG_MS);
  });

  test("a deploy key that is denied ends it in the fetch, with the words of OpenSSH; what runs goes on", async () => {
    await begin();
    const before = await inspect(lab.worker, "matrix-bridge");
    await bridge.publish("third");
    await bridge.takeKey(false);
    try {
      await start();
      await ended();
    } finally {
      await bridge.takeKey(true);
    }

    const failed = await update();
    expect(failed).toMatchObject({
      state: "failed",
      reason: expect.stringMatching(/^git fetch origin failed with exit code 128\./),
    });
    expect(states(failed)).toEqual(["failed", "waiting", "waiting"]);
    const output: string[] = [];
    for await (const { event, data } of readEvents(
      `${its.controller.url}/api/matrix-bridge/update/stream`,
      AbortSignal.timeout(LONG_MS),
    ))
      if (event === "output") output.push(...(data as { lines: { line: string }[] }).lines.map(({ line }) => line));
    expect(output.some((line) => line.includes("Permission denied (publickey)"))).toBe(true);
    expect(await inspect(lab.worker, "matrix-bridge")).toEqual(before);
  });

  test("one that outlasts its cap is ended with all that it began", async () => {
    await begin(4);
    await bridge.publish("fourth", "sleep 7777");

    await start();
    await ended();

    const late = await update();
    expect(late).toMatchObject({
      state: "timed_out",
      reason: "docker compose up -d --build was not done when the 4 seconds were over, and was ended.",
    });
    expect(states(late)).toEqual(["done", "done", "failed"]);
    await until("nothing of it runs", async () => (await leftovers()).length === 0, LONG_MS);
    expect((await inspect(lab.worker, "matrix-bridge"))?.Running).toBe(true);
  });

  test("it goes on while the controller is killed, and the next one tells its end", async () => {
    await begin();
    const commit = await bridge.publish("fifth", "until test -e ~/go; do sleep 0.1; done");
    await start();
    await until("it builds", async () => states(await update())[2] === "running", LONG_MS);

    await its.controller.kill();
    const next = await Controller.start({ dataDir: its.data.dataDir });
    try {
      expect(await next.get<BotUpdate>("/api/matrix-bridge/update")).toMatchObject({ state: "running" });
      await lab.worker.exec("touch ~/go ~/bridge/go");
      const last = () => next.get<BotUpdate>("/api/matrix-bridge/update");
      await until("it has ended", async () => (await last()).state === "succeeded", LONG_MS);
      expect(await bridge.head()).toBe(commit);
    } finally {
      await next.kill();
    }
  });
});
