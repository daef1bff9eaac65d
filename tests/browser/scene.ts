/** What a scene is, and how the usual ones begin. */
import type { Page } from "playwright-core";
import type { Demo, DemoOptions } from "../support/demo.ts";

export interface Scene {
  readonly name: string;
  readonly demo?: DemoOptions;
  readonly path?: string;
  /** Only there: what no other width has. */
  readonly width?: number;
  /** It takes minutes to make: for pictures only. */
  readonly isSlow?: true;
  /** What happens before the page is opened; it may say which path to open. */
  readonly before?: (demo: Demo) => Promise<string | undefined>;
  /** What is done on the page, and waited for. */
  readonly on?: (page: Page, demo: Demo) => Promise<void>;
}

/** An entry of models-overrides.yaml. */
export const entry = (key: string, name: string, more = "") =>
  `  ${key}: { name: ${JSON.stringify(name)}, repo: example/${key}, size_gb: 14, gpu_memory_utilization: 0.4${more} }\n`;

/** As on the day that it was installed. */
export const FIRST_RUN: DemoOptions = {
  topology: () => "nodes: []\n",
  services: false,
  takenForReal: true,
  offersSimulated: true,
};

export const serving = async (demo: Demo): Promise<undefined> => void (await demo.swap("gpt-oss-20b"));

/** By a program, without waiting for its end. @returns its id */
export async function loadSlowly(demo: Demo, model: string): Promise<string> {
  const headers = { "content-type": "application/json", "user-agent": "nightly-batch" };
  const answer = await fetch(`${demo.url}/api/swap`, { method: "POST", headers, body: JSON.stringify({ model }) });
  return ((await answer.json()) as { job_id: string }).job_id;
}

/** A request that is still running when a swap has lost its patience. */
export function chatAtLength(demo: Demo): void {
  const long = { stream: true, min_tokens: 100_000, max_tokens: 100_000 };
  const body = { model: "gpt-oss-20b", messages: [{ role: "user", content: "Hello" }], ...long };
  void demo
    .post("/v1/chat/completions", body)
    .then((answer) => answer.text())
    .catch(() => undefined);
}

/** A swap that fails, after which the model before it is back. */
export const failing = async (demo: Demo): Promise<undefined> => {
  await demo.swap("gpt-oss-20b");
  demo.cluster.inject({ kind: "out_of_memory", times: 1 });
  await demo.swap("gpt-oss-120b");
};
