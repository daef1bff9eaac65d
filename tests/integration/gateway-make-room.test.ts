/** A swap stops the model of another slot to make room: from then on nothing is sent to that one. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import type { SwapJob } from "../../lib/swap/swap.ts";
import { type Demo, startDemo } from "../support/demo.ts";
import { until } from "../support/until.ts";

const LIMIT_MS = 60_000;
const MODEL = "gpt-oss-20b";
let demo: Demo;

/** One slot on each Spark, and one over both. */
function slots(yaml: string): string {
  const port = /^slots:[\s\S]*?\bport: (\d+)/m.exec(yaml)?.[1];
  const one = (name: string, nodes: string) =>
    `  - { name: ${name}, nodes: [${nodes}], port: ${port}, container: vllm_node }\n`;
  const all = one("left", "spark-1") + one("both", "spark-1, spark-2");
  return `${yaml.replace(/^slots:[\s\S]*?(?=^\S|$(?![\s\S]))/m, "")}\nslots:\n${all}`;
}

beforeEach(async () => {
  demo = await startDemo({ speed: 30, topology: slots });
  expect((await demo.swap(MODEL, { slot: "left" })).state).toBe("ready");
}, LIMIT_MS);
afterEach(() => demo.close());

/** How a stream of some tenths of a second ends. */
async function chat(): Promise<string> {
  const long = { stream: true, max_tokens: 200, min_tokens: 200 };
  const messages = [{ role: "user", content: "x" }];
  const answer = await fetch(`${demo.url}/v1/chat/completions`, {
    method: "POST",
    body: JSON.stringify({ model: MODEL, messages, ...long }),
  });
  const code = /"code":"(\w+)"/.exec(await answer.text())?.[1] ?? "whole";
  return `${answer.status} ${code}`;
}

/** @returns in which state the swap is that needs its Spark */
async function makeRoom(): Promise<() => SwapJob["state"] | undefined> {
  const order = { model: "glm-4.5-air", slot: "both" };
  const { job_id } = (await (await demo.post("/api/swap", order)).json()) as SwapJob;
  return () => demo.plane.swaps.active().find((job) => job.job_id === job_id)?.state;
}

test(
  "what is asked of it while it is being stopped is told so, and never cut off",
  async () => {
    const state = await makeRoom();
    await until("it stops what is in the way", () => state() === "stopping");
    const asked: Promise<string>[] = [];
    while (state() === "stopping" || state() === "launching") {
      asked.push(chat());
      await Bun.sleep(20);
    }

    expect(asked.length).toBeGreaterThan(0);
    const said = await Promise.all(asked);
    expect(said[0]).toBe("503 model_unloading");
    // The last ones may have come when it was gone.
    expect(said.filter((one) => one !== "503 model_unloading" && one !== "404 model_not_loaded")).toEqual([]);
  },
  LIMIT_MS,
);

test(
  "nor is the first request sent to it that comes after the stop",
  async () => {
    const state = await makeRoom();
    await until("it has stopped what is in the way", () => state() === "launching" || state() === "loading");

    expect(await chat()).toBe("503 model_unloading");
  },
  LIMIT_MS,
);
