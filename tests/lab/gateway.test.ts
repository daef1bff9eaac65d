/** Requests through the gateway while real hosts swap: those that run finish first, those for the coming model wait for it. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { SwapJob } from "../../lib/swap/swap.ts";
import { Controller, makeDataDir } from "../support/controller.ts";
import { requirement } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { labAvailability } from "./available.ts";
import { type Lab, startLab } from "./lab.ts";

const { available, how } = await labAvailability();
const describeLab = requirement("the gateway in the lab", available, how);

const LIMIT_MS = 240_000;
const MANY = 50;
const TOKENS = 300;
const MODELS = `models:
  small: { repo: acme/small, nodes: 1, gpu_memory_utilization: 0.2, size_gb: 0.5 }
  other: { repo: acme/other, nodes: 1, gpu_memory_utilization: 0.2, size_gb: 0.5 }
`;
const SETTINGS = "\nsettings: { gateway_routing: hold, gateway_dwell_seconds: 0 }\n";

describeLab("fifty streams and fifty requests for the other model", () => {
  let lab: Lab;
  let data: ReturnType<typeof makeDataDir>;
  let controller: Controller;
  beforeAll(async () => {
    lab = await startLab({ dialect: "new" });
    data = makeDataDir({ "topology.yaml": lab.topologyYaml + SETTINGS, "models-overrides.yaml": MODELS });
    await lab.authorize(data.publicKeyLine);
    await lab.behave({ tokens: TOKENS, tokenDelayMs: 40 });
    controller = await Controller.start(data);
  }, LIMIT_MS);
  afterAll(async () => {
    await controller?.stop();
    data?.remove();
    await lab?.close();
  }, LIMIT_MS);

  const chat = (model: string, more: Record<string, unknown> = {}) =>
    fetch(`${controller.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model, messages: [{ role: "user", content: "Hello" }], ...more }),
    });
  const swaps = async () => (await controller.get<{ swaps: SwapJob[] }>("/api/swap")).swaps;
  const inFlight = async () =>
    (await controller.get<{ slots: { in_flight: number }[] }>("/api/status")).slots[0]?.in_flight;

  test(
    "no stream is cut, the swap goes on as planned, and the new model answers everybody who waited for it",
    async () => {
      expect(await controller.swap("small")).toMatchObject({ state: "ready" });
      const streams = Array.from({ length: MANY }, async () => {
        const answer = await chat("small", { stream: true, max_tokens: TOKENS });
        return { status: answer.status, text: await answer.text() };
      });
      await until("every stream runs", async () => (await inFlight()) === MANY, 30_000);

      const { job_id } = await controller.begin("other");
      await until("it drains", async () => (await swaps())[0]?.state === "draining", 30_000);
      const waiting = Array.from({ length: MANY }, async (_, index) => {
        const isStream = index % 2 === 0;
        const answer = await chat("other", { stream: isStream, max_tokens: 5 });
        return { status: answer.status, isStream, text: await answer.text() };
      });

      for (const { status, text } of await Promise.all(streams)) {
        const events = text.split("\n\n").filter((event) => event !== "");
        expect([status, events.length, events.at(-1)]).toEqual([200, TOKENS + 1, "data: [DONE]"]);
        expect(text).not.toContain("event: error");
      }
      expect(await controller.settled(job_id)).toMatchObject({
        state: "ready",
        failure: null,
        previous_model: "small",
      });
      for (const { status, isStream, text } of await Promise.all(waiting)) {
        expect(status).toBe(200);
        expect(text).toContain('"model":"acme/other"');
        if (isStream) expect(text).toEndWith("data: [DONE]\n\n");
        else expect(JSON.parse(text)).toMatchObject({ usage: { completion_tokens: 5 } });
      }
      expect((await swaps()).map(({ model }) => model)).toEqual(["other", "small"]);
      expect(await inFlight()).toBe(0);
      const log = await (await fetch(`${controller.url}/api/swap/${job_id}/log`)).text();
      // Its beginning says what would happen after so long; this is what did not.
      expect(log).not.toMatch(/ s; cut off/);
    },
    LIMIT_MS,
  );
});
