/** A holder that was stopped with SIGSTOP past its time, and woken, can do nothing any more: not to the next holder, nor alone. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import type { SwapJob } from "../../lib/swap/swap.ts";
import { type Demo, startDemo } from "../support/demo.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

const TTL_SECONDS = 2;

let demo: Demo;
beforeAll(async () => {
  // Slow: the swap that the sleeper tries to cancel is still on its way.
  demo = await startDemo({ speed: 40 });
});
afterAll(() => demo.close());

/** Starts a holder and stops it as soon as it holds. */
async function fallenAsleep() {
  const command = [process.execPath, join(import.meta.dir, "_holder.ts"), demo.url, String(TTL_SECONDS)];
  const child = Bun.spawn(command, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  const said: string[] = [];
  void (async () => {
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) said.push(text);
  })();
  const lines = () => said.join("").split("\n").slice(0, -1);
  await until("it holds", () => lines().length === 1, 20_000);
  child.kill("SIGSTOP");
  await until("its time is over", () => demo.plane.lock.current() === null);
  return {
    /** What it tried, and what came of it. */
    async woken(jobId: string) {
      child.kill("SIGCONT");
      child.stdin.write(`${jobId}\n`);
      await child.stdin.flush();
      await until("it has tried everything", () => lines().length === 3);
      const [{ tried, aborted }, { lost }] = lines()
        .slice(1)
        .map((line) => JSON.parse(line));
      return { tried, aborted, lost };
    },
    /** With its token, once no swap is on its way that would be in the way anyhow. Answers that are not as expected, by what was tried. */
    async touchesServices(expected: readonly [number, string]) {
      const { token } = JSON.parse(lines()[0] ?? "") as { token: string };
      const names = demo.plane.services.list().map(({ name }) => name);
      expect(names).toEqual(expect.arrayContaining(["main", "parakeet", "kokoro", "embeddings", "matrix-bridge"]));
      const tries = [
        ...names.flatMap((name) => [`services/${name}/stop`, `services/${name}/restart`]),
        // An update makes the bot's container anew.
        ...["services/matrix-bridge/update", "matrix-bridge/update"],
      ].flatMap((what) => [
        { what, body: JSON.stringify({ token }), headers: { "content-type": "application/json" } },
        { what, headers: { "x-swap-lock-token": token } },
        { what: `${what}?token=${token}` },
      ]);
      const answers = tries.map(async ({ what, ...sent }) => {
        const answer = await fetch(`${demo.url}/api/${what}`, { method: "POST", ...sent });
        return [what, answer.status, ((await answer.json()) as { code?: string }).code] as const;
      });
      return (await Promise.all(answers)).filter(([, status, code]) => status !== expected[0] || code !== expected[1]);
    },
    end: () => child.kill("SIGKILL"),
  };
}

test("while nobody holds anything", async () => {
  const { job_id: id } = (await (await demo.post("/api/swap", { model: "qwen3-30b-a3b" })).json()) as SwapJob;
  // The sleeper may reserve although a swap runs only when told so: it gets its reservation once this has ended.
  await demo.plane.swaps.settled(id);
  const sleeper = await fallenAsleep();
  try {
    const { job_id: running } = (await (await demo.post("/api/swap", { model: "gpt-oss-20b" })).json()) as SwapJob;

    const { tried, aborted, lost } = await sleeper.woken(running);

    expect(tried).toEqual([
      { what: "swap", status: 423, code: "reservation_lost" },
      { what: "cancel", status: 423, code: "reservation_lost" },
      { what: "renew", status: 409, code: "reservation_lost" },
      // Nothing is held: nothing to release, and nothing released.
      { what: "release", status: 200, code: null },
    ]);
    expect([aborted, lost]).toEqual([true, true]);
    expect(await demo.plane.swaps.settled(running)).toMatchObject({ state: "ready" });
    expect(await sleeper.touchesServices([423, "reservation_lost"])).toEqual([]);
  } finally {
    sleeper.end();
  }
});

test("while another holds it", async () => {
  const sleeper = await fallenAsleep();
  try {
    const granted = await (await demo.post("/api/swap/lock", { holder: "Bob" })).json();
    const order = { model: "qwen3-30b-a3b", lock_token: (granted as { token: string }).token };
    const { job_id: running } = (await (await demo.post("/api/swap", order)).json()) as SwapJob;

    const { tried, aborted, lost } = await sleeper.woken(running);

    expect(tried).toEqual([
      { what: "swap", status: 423, code: "reserved" },
      { what: "cancel", status: 423, code: "reserved" },
      { what: "renew", status: 409, code: "reserved" },
      { what: "release", status: 403, code: "wrong_token" },
    ]);
    expect([aborted, lost]).toEqual([true, true]);
    expect(demo.plane.lock.current()).toMatchObject({ holder: "Bob" });
    expect(await demo.plane.swaps.settled(running)).toMatchObject({ state: "ready" });
    expect(await sleeper.touchesServices([423, "reserved"])).toEqual([]);
    expect(demo.plane.slots.statuses()[0]).toMatchObject({ model: "qwen3-30b-a3b", state: "serving" });
  } finally {
    sleeper.end();
  }
});
