/** What a swap survives beside kills, on real hosts. What counts is what the hosts' process tables show. */
import { expect, test } from "bun:test";
import { chmod, cp, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { SwapJob } from "../../lib/swap/swap.ts";
import { readNumberedLines } from "../bench/numbered-lines.ts";
import { until } from "../support/until.ts";
import { loadIsHalf } from "./kill-points.ts";
import { counts, inLab, jobIs, LIMIT_MS, linesOf, logOf, remains, served, slotOf, writtenTo } from "./survive-lab.ts";
import { VllmWatch } from "./vllm-watch.ts";

const PULLED_MS = 20_000;
const NOTICED_MS = 15_000;

inLab("new", (its) => {
  test(
    "the log of a load that was adopted twice is whole and in order",
    async () => {
      const { lab, data } = its;
      const count = 3_000;
      const folder = lab.head.homeFile("numbered-lines");
      await mkdir(folder, { recursive: true });
      await cp(join(import.meta.dir, "../bench/numbered-lines"), folder, { recursive: true });
      await Bun.write(join(folder, "figures"), `COUNT=${count} RATE=300\n`);
      await chmod(join(folder, "launch-cluster.sh"), 0o755);
      const topology = lab.topologyYaml.replaceAll("~/spark-vllm-docker", "~/numbered-lines");
      await Bun.write(join(data.dataDir, "topology.yaml"), topology);
      let controller = await its.start();
      const { job_id: id } = await controller.begin("small");
      const written = async () => {
        const text = await readFile(lab.head.homeFile(`.spark-control/jobs/${id}/log`), "utf8").catch(() => "");
        return text.split("\n").length;
      };

      for (const part of [1_000, 2_000]) {
        await until(`${part} lines are written`, async () => (await written()) > part, 60_000);
        await controller.kill();
        controller = await its.start();
      }
      const job = await controller.settled(id);
      const log = await logOf(controller, id);

      expect(job).toMatchObject({ state: "failed", failure: { code: "launch_failed" } });
      expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1));
      const received = linesOf(log, "launch").map((text) => ({ text, receivedMs: 0 }));
      expect(received.length).toBe(count);
      expect(readNumberedLines(received, count).wrong).toBe(0);
    },
    LIMIT_MS,
  );

  test(
    "the head is rebooted in mid-load: failed, with the other boot id; the previous model is back, nothing else is left",
    async () => {
      const { lab } = its;
      const controller = await its.start();
      expect(await controller.swap("small")).toMatchObject({ state: "ready" });
      await lab.behave({ loadSeconds: 1.5, models: { "acme/pair": { loadSeconds: 60 } } });
      const { job_id: id } = await controller.begin("pair");
      await until("vLLM loads on both Sparks", async () => (await counts(lab)).every((count) => count === 1), 60_000);
      await jobIs(controller, id, "the weights load", ({ phase }) => phase === "weights");

      await lab.head.reboot();
      const job = await controller.settled(id);

      expect(job).toMatchObject({ state: "failed", failure: { code: "host_rebooted" }, rolled_back_to: "small" });
      expect(job.failure?.evidence).toContain("spark-1");
      expect(await counts(lab)).toEqual([1, 0]);
      expect((await remains(lab))[1]).toEqual([]);
      expect(await served(lab)).toEqual(["acme/small"]);
    },
    LIMIT_MS,
  );

  test(
    "the cable is pulled in mid-load for 20 s: the load goes on to ready",
    async () => {
      const { lab } = its;
      await lab.behave({ models: { "acme/small": { loadSeconds: 12 } } });
      const controller = await its.start();
      const { job_id: id } = await controller.begin("small");
      await jobIs(controller, id, "the weights load", ({ phase }) => phase === "weights");
      const watch = new VllmWatch(lab.hosts);

      await lab.head.linkDown();
      const plugged = performance.now() + PULLED_MS;
      const states = new Set<string>();
      await until(
        "20 s have passed",
        async () => {
          states.add((await controller.get<SwapJob>(`/api/swap/${id}`)).state);
          return performance.now() > plugged;
        },
        PULLED_MS * 2,
      );
      await lab.head.linkUp();

      expect(await controller.settled(id)).toMatchObject({ state: "ready", failure: null });
      expect([...states]).toEqual(["loading"]);
      expect(await watch.end()).toEqual({ most: [1, 0], ran: [["acme/small"], []] });
    },
    LIMIT_MS,
  );

  test(
    "vLLM dies right after ready: the slot says so within 15 s, and nothing of it is left",
    async () => {
      const { lab } = its;
      await lab.behave({ loadSeconds: 1, models: { "acme/small": { fail: "die_after_ready", afterSeconds: 2 } } });
      const controller = await its.start();
      expect(await controller.swap("small")).toMatchObject({ state: "ready" });

      await until("vLLM has died", async () => (await counts(lab))[0] === 0, 30_000);
      await until("the slot says so", async () => (await slotOf(controller)).state === "not_answering", NOTICED_MS);

      expect(await slotOf(controller)).toMatchObject({ model: "small", served_ids: [] });
      await until(
        "its container and its launcher are gone",
        async () => (await remains(lab)).flat().length === 0,
        30_000,
      );
      expect(await controller.swap("other")).toMatchObject({ state: "ready" });
      expect(await counts(lab)).toEqual([1, 0]);
    },
    LIMIT_MS,
  );

  test(
    "vLLM dies right after ready, and another model ran before: its last words are told, that one is back, and nothing else is left",
    async () => {
      const { lab } = its;
      await lab.behave({ loadSeconds: 1, models: { "acme/small": { fail: "die_after_ready", afterSeconds: 2 } } });
      const controller = await its.start();
      expect(await controller.swap("other")).toMatchObject({ state: "ready" });
      const watch = new VllmWatch(lab.hosts);
      const { job_id: id, ended_at } = await controller.swap("small");

      await jobIs(controller, id, "its death is told", ({ died }) => died != null);
      const dead = await controller.get<SwapJob>(`/api/swap/${id}`);
      expect(dead).toMatchObject({ state: "ready", died: { failure: { code: "died_after_ready" } } });
      expect(Date.parse(dead.died?.at ?? "") - Date.parse(ended_at ?? "")).toBeLessThan(2_000 + NOTICED_MS);
      const words = /last words: (.*?); /.exec(dead.died?.failure.evidence ?? "")?.[1] ?? "";
      expect(words).not.toBe("");
      expect((await logOf(controller, id)).map(({ line }) => line)).toContain(words);
      const restored = await controller.settled(dead.died?.restored_by ?? "");
      expect(restored).toMatchObject({ state: "ready", model: "other", restores: { job_id: id } });

      expect(await served(lab)).toEqual(["acme/other"]);
      expect(await counts(lab)).toEqual([1, 0]);
      expect(await watch.end()).toEqual({ most: [1, 0], ran: [["acme/other", "acme/small", "acme/other"], []] });
      await until("the slot shows it", async () => (await slotOf(controller)).state === "serving");
      const [head = []] = await remains(lab);
      expect(head.filter((line) => /acme\/(?!other)/.test(line))).toEqual([]);
    },
    LIMIT_MS,
  );
});

/** Which sources carry the numbered lines of the engine (head) and of the rank (worker), as each script has it. */
const NUMBERED = {
  old: { small: ["launch"], pair: ["launch", "spark-2"] },
  new: { small: ["launch"], pair: ["spark-1", "spark-2"] },
} as const;
const NUMBERS = 2_000;
const LOAD_SECONDS = 6;

for (const dialect of ["old", "new"] as const)
  inLab(dialect, (its) => {
    for (const model of ["small", "pair"] as const)
      test(
        `a load (${model}) that was adopted at 50 %: its log is what each source wrote, numbered lines whole and in order`,
        async () => {
          const { lab } = its;
          await lab.behave({ loadSeconds: LOAD_SECONDS, numberedLines: NUMBERS });
          const controller = await its.start();
          const { job_id: id } = await controller.begin(model);
          await loadIsHalf({ head: lab.head, jobId: id });
          await controller.kill();
          const killedMs = Date.now();

          const next = await its.start();
          expect(await next.settled(id)).toMatchObject({ state: "ready", failure: null });
          const log = await logOf(next, id);

          expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1));
          for (const source of NUMBERED[dialect][model]) {
            const numbered = linesOf(log, source).filter((line) => / line \d{6} \d+$/.test(line));
            const received = numbered.map((text) => ({ text, receivedMs: 0 }));
            expect([source, numbered.length, readNumberedLines(received, NUMBERS).wrong]).toEqual([source, NUMBERS, 0]);
            // Written on both sides of the kill.
            const [first = 0, last = 0] = [numbered[0], numbered.at(-1)].map((line) => Number(line?.split(" ").at(-1)));
            expect(first < killedMs && killedMs < last).toBe(true);
          }
          const files = {
            launch: lab.head.homeFile(`.spark-control/jobs/${id}/log`),
            "spark-1": lab.head.homeFile(`.spark-control/jobs/${id}-log/log`),
            ...(model === "pair" ? { "spark-2": lab.worker.homeFile(`.spark-control/jobs/${id}-log/log`) } : {}),
          };
          for (const [source, file] of Object.entries(files)) {
            const kept = linesOf(log, source);
            // What came after the first answer belongs to the running model.
            expect(kept).toEqual((await writtenTo(file)).slice(0, kept.length));
          }
          expect(log.filter(({ line }) => line.includes("Graph capturing finished"))).toHaveLength(1);
        },
        LIMIT_MS,
      );
  });
