/** Two controllers and old data, on real hosts: the Sparks obey one of them. The hosts' process tables show it. */
import { expect, test } from "bun:test";
import { cp, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Controller } from "../support/controller.ts";
import { until } from "../support/until.ts";
import { STOPPED } from "./kill-points.ts";
import type { Lab } from "./lab.ts";
import { counts, type Its, inLab, jobIs, LIMIT_MS, mains, remains, slotOf } from "./survive-lab.ts";
import { VllmWatch } from "./vllm-watch.ts";

/** The processes by id, so that one that was replaced by its like shows; and what else is of a launch. */
const picture = async (lab: Lab) => ({ mains: await mains(lab), remains: await remains(lab) });

/** Each brings a controller to a moment of a swap, stops it with SIGSTOP, and gives the swap's id. */
const MOMENTS: readonly { moment: string; refusedAt: string; sleep(its: Its, a: Controller): Promise<string> }[] = [
  {
    moment: "before its stop",
    refusedAt: "stopping",
    async sleep({ lab }, a) {
      await lab.behave({ loadSeconds: 1.5, models: { "acme/small": { tokens: 1_000_000, tokenDelayMs: 50 } } });
      expect(await a.swap("small")).toMatchObject({ state: "ready" });
      const chat = new AbortController();
      await fetch(`${lab.vllmUrl}/v1/chat/completions`, {
        method: "POST",
        body: JSON.stringify({ model: "acme/small", stream: true, messages: [{ role: "user", content: "go on" }] }),
        signal: chat.signal,
      });
      const { job_id: id } = await a.begin("other");
      await jobIs(a, id, "it waits for the request in flight", ({ state }) => state === "draining");
      a.process.kill("SIGSTOP");
      chat.abort();
      return id;
    },
  },
  {
    moment: "between its stop and its launch",
    refusedAt: "launching",
    async sleep({ lab, gates }, a) {
      expect(await a.swap("small")).toMatchObject({ state: "ready" });
      await STOPPED.prepare(gates);
      const { job_id: jobId } = await a.begin("other");
      await STOPPED.reach({ head: lab.head, gates, controller: a, jobId });
      a.process.kill("SIGSTOP");
      await gates.openAll();
      return jobId;
    },
  },
  {
    moment: "in mid-load",
    refusedAt: "weights",
    async sleep({ lab }, a) {
      expect(await a.swap("small")).toMatchObject({ state: "ready" });
      await lab.behave({ loadSeconds: 1.5, models: { "acme/other": { loadSeconds: 300 } } });
      const { job_id: id } = await a.begin("other");
      await jobIs(a, id, "the weights load", ({ phase }) => phase === "weights");
      a.process.kill("SIGSTOP");
      return id;
    },
  },
];

inLab("new", (its) => {
  for (const { moment, refusedAt, sleep } of MOMENTS)
    test(
      `a controller that slept ${moment} while another took over: the Sparks refuse it, and what runs there stays`,
      async () => {
        const { lab } = its;
        const a = await its.start();
        const asleep = await sleep(its, a);
        const before = await picture(lab);
        const copy = await mkdtemp(join(tmpdir(), "spark-copy-"));
        try {
          await cp(its.data.dataDir, copy, { recursive: true });
          const b = await its.start(copy);

          // Before anyone has confirmed anything, the copy is refused: the swap that it took up, and a new one.
          expect(await b.settled(asleep)).toMatchObject({ state: "failed", failure: { code: "fenced" } });
          const refused = await b.swap("third");
          expect(refused).toMatchObject({ state: "failed", failure: { code: "other_controller" } });
          expect(await picture(lab)).toEqual(before);

          const owner = /instance is (\S+)/.exec(refused.failure?.evidence ?? "")?.[1] ?? "";
          for (const node of ["spark-1", "spark-2"])
            expect((await b.post(`/api/nodes/${node}/take-over`, { instance: owner })).status).toBe(200);
          expect(await b.swap("third")).toMatchObject({ state: "ready", failure: null });
          expect(await counts(lab)).toEqual([1, 0]);
          const running = await picture(lab);

          a.process.kill("SIGCONT");
          const woken = await a.settled(asleep);
          expect(woken).toMatchObject({ state: "failed", failure: { code: "fenced" }, rolled_back_to: null });
          expect(woken.phases.at(-1)?.name).toBe(refusedAt);
          expect(woken.reason).toContain("another Spark Control");
          // The Spark's own words: it names B.
          const obeyed = (await readFile(lab.head.homeFile(".spark-control/instance"), "utf8")).trim();
          expect(obeyed).not.toBe(owner);
          expect(woken.failure?.evidence).toBe(`fenced instance ${obeyed}`);
          expect(await a.swap("other")).toMatchObject({ state: "failed", failure: { code: "other_controller" } });
          expect(await picture(lab)).toEqual(running);
          expect(await slotOf(b)).toMatchObject({ state: "serving", model: "third", by_hand: false });
        } finally {
          a.process.kill("SIGCONT");
          await rm(copy, { recursive: true, force: true });
        }
      },
      LIMIT_MS,
    );

  test(
    "a copy of the data in another container: no Spark does anything for it before a take-over, the original goes on and is known again",
    async () => {
      const { lab, data } = its;
      let original = await its.startContained(data.dataDir);
      expect(await original.swap("small")).toMatchObject({ state: "ready" });
      const copy = await mkdtemp(join(tmpdir(), "spark-copy-"));
      try {
        original.process.kill("SIGSTOP");
        await cp(data.dataDir, copy, { recursive: true, preserveTimestamps: true });
        original.process.kill("SIGCONT");
        const before = await picture(lab);

        const second = await its.startContained(copy);
        const refused = await second.swap("third");
        expect(refused).toMatchObject({ state: "failed", failure: { code: "other_controller" } });
        expect(await picture(lab)).toEqual(before);
        // Made anew over the same folder it is still the one that the Sparks obey.
        await original.kill();
        original = await its.startContained(data.dataDir);
        expect(await original.swap("other")).toMatchObject({ state: "ready", failure: null });

        const owner = (await readFile(lab.head.homeFile(".spark-control/instance"), "utf8")).trim();
        for (const node of ["spark-1", "spark-2"])
          expect((await second.post(`/api/nodes/${node}/take-over`, { instance: owner })).status).toBe(200);
        expect(await second.swap("third")).toMatchObject({ state: "ready", failure: null });
        expect(await original.swap("other")).toMatchObject({ state: "failed", failure: { code: "other_controller" } });
        expect(await counts(lab)).toEqual([1, 0]);
      } finally {
        await rm(copy, { recursive: true, force: true });
      }
    },
    LIMIT_MS,
  );

  test(
    "a backup from before three swaps: its reservation is dropped, what runs is taken up, the next swap counts on above the Sparks' generation",
    async () => {
      const { lab, data } = its;
      const first = await its.start();
      expect(await first.swap("small")).toMatchObject({ state: "ready" });
      const reserve = (controller: Controller) =>
        controller.post("/api/swap/lock", { holder: "nightly", ttl_seconds: 3_600 }).then((answer) => answer.json());
      const { token: old } = (await reserve(first)) as { token: string };
      expect(await first.stop()).toBe(0);
      const backup = await mkdtemp(join(tmpdir(), "spark-backup-"));
      try {
        await cp(data.dataDir, backup, { recursive: true });
        const second = await its.start();
        for (const model of ["other", "small", "third"])
          expect(await second.swap(model, { lock_token: old })).toMatchObject({ state: "ready" });
        await second.kill();
        const seen = Number(await readFile(lab.head.homeFile(".spark-control/generation"), "utf8"));
        for (const name of await readdir(data.dataDir)) await rm(join(data.dataDir, name), { recursive: true });
        await cp(backup, data.dataDir, { recursive: true });
        const watch = new VllmWatch(lab.hosts);

        const restored = await its.start();
        const adopted = async () => (({ state, by_hand }) => state === "serving" && !by_hand)(await slotOf(restored));
        await until("what runs is taken up", adopted, 20_000);
        expect(await slotOf(restored)).toMatchObject({ model: "third", by_hand: false, difference: null });
        const lock = () => restored.get<{ held: boolean }>("/api/swap/lock");
        await until("the reservation of the backup is dropped", async () => !(await lock()).held, 20_000);
        expect((await restored.post("/api/swap", { model: "other", lock_token: old })).status).toBe(423);
        const { generation } = (await reserve(restored)) as { generation: number };
        expect(generation).toBeGreaterThan(seen);
        await fetch(`${restored.url}/api/swap/lock?force=true`, { method: "DELETE" });
        const job = await restored.swap("other");

        expect(job).toMatchObject({ state: "ready", failure: null });
        expect(job.generation).toBeGreaterThan(seen);
        expect(await slotOf(restored)).toMatchObject({ state: "serving", model: "other", by_hand: false });
        expect(await watch.end()).toEqual({ most: [1, 0], ran: [["acme/third", "acme/other"], []] });
      } finally {
        await rm(backup, { recursive: true, force: true });
      }
    },
    LIMIT_MS,
  );
});
