/**
 * What the field has seen beside what swap.test.ts and survive.test.ts show, on real hosts: the right end, a reason that
 * quotes the evidence, the model before back or untouched, and nothing half running in the hosts' process tables.
 */
import { afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import type { Plan, SwapJob } from "../../lib/swap/swap.ts";
import type { Controller } from "../support/controller.ts";
import { until } from "../support/until.ts";
import { foreignContainer, hideImages, moveClock, SmallDisk, showImages } from "./host-faults.ts";
import { CONTAINER, type Lab } from "./lab.ts";
import {
  counts,
  type Its,
  inLab,
  jobIs,
  jobs,
  LIMIT_MS,
  logOf,
  mains,
  remains,
  served,
  slotOf,
} from "./survive-lab.ts";
import { VllmWatch } from "./vllm-watch.ts";

/** The launch script's own `docker stop` waits for less: vLLM never uses that time. */
const QUICK = { stopSeconds: 2 };
const STALL_SECONDS = 30;
/** Until the end of an unknown swap is looked into again, and what the return to the model before takes. */
const RESOLVED_MS = 60_000;
const HOUR = 3_600;

/** Only `small` runs, on the head; no launcher, log keeper, process or container of another model is left anywhere. */
async function expectOnlySmall(lab: Lab, controller: Controller): Promise<void> {
  expect(await served(lab)).toEqual(["acme/small"]);
  expect(await counts(lab)).toEqual([1, 0]);
  const [head = [], worker] = await remains(lab);
  expect(worker).toEqual([]);
  expect(head.filter((line) => /acme\/(?!small)/.test(line))).toEqual([]);
  expect(head.filter((line) => line === CONTAINER)).toHaveLength(1);
  await until("no job but small's launch and its log keeper runs", async () => {
    const [onHead = [], onWorker = []] = await jobs(lab);
    const [launch] = onHead;
    return onHead.join() === [launch, `${launch}-log`].join() && onWorker.length === 0;
  });
  await until("the slot shows it", async () => (await slotOf(controller)).state === "serving");
  expect(await slotOf(controller)).toMatchObject({ model: "small", by_hand: false });
}

async function serving(its: Its): Promise<Controller> {
  const controller = await its.start();
  expect(await controller.swap("small")).toMatchObject({ state: "ready", failure: null });
  return controller;
}

function expectFailure(job: SwapJob, code: string, evidence: RegExp, back: string | null): void {
  expect(job).toMatchObject({ state: "failed", failure: { code }, rolled_back_to: back });
  expect(job.failure?.evidence ?? "").toMatch(evidence);
  expect(job.reason).toBe(job.failure?.message ?? null);
  expect(job.failure?.advice?.length ?? 0).toBeGreaterThan(10);
  // The way back is a phase of its own, and there is none where nothing was stopped.
  expect(job.phases.some(({ name }) => name.startsWith("rollback_"))).toBe(back !== null);
}

function engineCoreFails(its: Its, model: "other" | "pair"): void {
  test(
    `the engine core fails (${model}): failed with the line, the model before is back, nothing else is left`,
    async () => {
      const controller = await serving(its);
      await its.lab.behave({ loadSeconds: 1.5, models: { [`acme/${model}`]: { fail: "engine" } } });
      const watch = new VllmWatch(its.lab.hosts);

      const job = await controller.swap(model);

      expectFailure(job, "engine_failed", /EngineCore failed to start/, "small");
      await expectOnlySmall(its.lab, controller);
      expect((await watch.end()).most[0]).toBe(1);
    },
    LIMIT_MS,
  );
}

inLab("old", (its) => engineCoreFails(its, "other"), QUICK);

inLab(
  "new",
  (its) => {
    let undo: (() => Promise<unknown>)[] = [];
    afterEach(async () => {
      for (const one of undo.splice(0).reverse()) await one();
    }, LIMIT_MS);
    const later = (one: () => Promise<unknown>) => {
      undo = [...undo, one];
    };

    engineCoreFails(its, "pair");

    /** Brings a swap to where everything was checked, and the `docker stop` on the head is about to be run. */
    async function heldAtStop(controller: Controller, model: string): Promise<string> {
      await its.gates.close("stop", "docker stop -t *");
      const { job_id: id } = await controller.begin(model);
      await its.gates.reached("stop");
      return id;
    }

    test(
      "the image is missing on the worker: failed before anything is touched",
      async () => {
        const { lab } = its;
        const controller = await serving(its);
        const before = await mains(lab);
        await hideImages(lab.worker);
        later(() => showImages(lab.worker));

        const job = await controller.swap("pair");

        expectFailure(job, "image_missing", /^spark-2: docker image inspect vllm-node finds nothing$/, null);
        expect(job.phases.map(({ name }) => name)).toEqual(["planned", "checking"]);
        expect(await mains(lab)).toEqual(before);
        await expectOnlySmall(lab, controller);
      },
      LIMIT_MS,
    );

    test(
      "the image vanishes from the worker after the checks: failed with docker's words, the model before is back",
      async () => {
        const { lab } = its;
        const controller = await serving(its);
        const id = await heldAtStop(controller, "pair");
        await hideImages(lab.worker);
        later(() => showImages(lab.worker));
        await its.gates.openAll();

        const job = await controller.settled(id);

        expectFailure(job, "image_missing", /Unable to find image 'vllm-node:latest' locally/, "small");
        await expectOnlySmall(lab, controller);
      },
      LIMIT_MS,
    );

    for (const where of ["head", "worker"] as const)
      test(
        `the container's name is taken on the ${where}: failed, and that container goes on`,
        async () => {
          const { lab } = its;
          const host = lab[where];
          const controller = await its.start();
          await foreignContainer(host, CONTAINER, "acme-notes");
          const running = async () =>
            (await host.processes()).filter(({ args }) => args === "/bin/busybox sleep 100000").map(({ pid }) => pid);
          let before: number[] = [];
          await until("the foreign container runs", async () => {
            before = await running();
            return before.length === 1;
          });

          for (const model of ["small", "pair"]) {
            const job = await controller.swap(model);
            const shown = new RegExp(
              `^${host.name}: docker inspect vllm_node shows image .*acme-notes.*shows no vLLM$`,
            );
            expectFailure(job, "container_name_taken", shown, null);
            expect(job.phases.map(({ name }) => name)).toEqual(["planned", "checking"]);
          }

          expect(await running()).toEqual(before);
          expect(await counts(lab)).toEqual([0, 0]);
        },
        LIMIT_MS,
      );

    test(
      "a load that is stuck is given up after stall_seconds: its last line is told, the model before is back",
      async () => {
        const { lab, data } = its;
        await Bun.write(
          join(data.dataDir, "topology.yaml"),
          `${lab.topologyYaml}settings:\n  stall_seconds: ${STALL_SECONDS}\n`,
        );
        const controller = await serving(its);
        await lab.behave({ loadSeconds: 1.5, models: { "acme/pair": { fail: "stuck" } } });

        const job = await controller.swap("pair");

        expectFailure(job, "stalled", /^last line: .*Starting to load model acme\/pair/, "small");
        expect(job.reason).toBe(`No progress for ${STALL_SECONDS} seconds.`);
        await expectOnlySmall(lab, controller);
      },
      LIMIT_MS,
    );

    for (const where of ["head", "worker"] as const)
      test(
        `the disk of the ${where} is full: failed before anything is touched`,
        async () => {
          const { lab } = its;
          const controller = await serving(its);
          const before = await mains(lab);
          const disk = await SmallDisk.install(lab[where]);
          later(() => disk.remove());
          await disk.fill();

          const job = await controller.swap("pair");

          expectFailure(job, "disk_full", new RegExp(`^${lab[where].name}: df -Pk ~ shows 0 KiB available$`), null);
          expect(job.phases.map(({ name }) => name)).toEqual(["planned", "checking"]);
          expect(await mains(lab)).toEqual(before);
          await expectOnlySmall(lab, controller);
        },
        LIMIT_MS,
      );

    test(
      "the worker's disk becomes full after the checks: nothing is stopped on either Spark, and the reason is the disk",
      async () => {
        const { lab } = its;
        const controller = await its.start();
        expect(await controller.swap("duo")).toMatchObject({ state: "ready", failure: null });
        const before = await mains(lab);
        const disk = await SmallDisk.install(lab.worker);
        later(() => disk.remove());
        // Everything is checked while it waits for the request in flight.
        const chat = new AbortController();
        await lab.behave({ loadSeconds: 1.5 });
        await fetch(`${lab.vllmUrl}/v1/chat/completions`, {
          method: "POST",
          body: JSON.stringify({
            model: "acme/duo",
            stream: true,
            max_tokens: 100_000,
            messages: [{ role: "user", content: "go on" }],
          }),
          signal: chat.signal,
        });
        const { job_id: id } = await controller.begin("pair");
        await jobIs(controller, id, "it waits for the request in flight", ({ state }) => state === "draining");
        await disk.fill();
        chat.abort();

        const job = await controller.settled(id);

        expectFailure(job, "disk_full", /No space left on device/, null);
        expect(await mains(lab)).toEqual(before);
        expect(await served(lab)).toEqual(["acme/duo"]);
        await until("the slot shows it", async () => (await slotOf(controller)).state === "serving");
        expect(await slotOf(controller)).toMatchObject({ model: "duo", by_hand: false });
      },
      LIMIT_MS,
    );

    test(
      "the head's disk becomes full between stop and launch: unknown with the reason, and once there is room the model before is back",
      async () => {
        const { lab } = its;
        const controller = await serving(its);
        const disk = await SmallDisk.install(lab.head);
        later(() => disk.remove());
        const id = await heldAtStop(controller, "other");
        await disk.fill();
        await its.gates.openAll();

        const lost = await controller.settled(id);
        expect(lost).toMatchObject({ state: "unknown", failure: { code: "disk_full" } });
        expect(lost.failure?.evidence).toMatch(/Starting a job on .*No space left on device/s);
        expect(await counts(lab)).toEqual([0, 0]);

        await disk.empty();
        await until(
          "its end is known",
          async () => (await controller.get<SwapJob>(`/api/swap/${id}`)).state === "failed",
          RESOLVED_MS,
        );
        expectFailure(
          await controller.get<SwapJob>(`/api/swap/${id}`),
          "disk_full",
          /No space left on device/,
          "small",
        );
        await expectOnlySmall(lab, controller);
      },
      LIMIT_MS,
    );

    test(
      "the clocks of both Sparks are an hour off: it is told, and the swap works",
      async () => {
        const { lab } = its;
        await moveClock(lab.head, HOUR);
        await moveClock(lab.worker, -HOUR);
        later(() => moveClock(lab.head, 0));
        later(() => moveClock(lab.worker, 0));
        expect(Number((await lab.head.exec("date +%s")).stdout) - Date.now() / 1000).toBeGreaterThan(HOUR - 60);
        const controller = await its.start();

        const plan = (await (await controller.post("/api/swap/plan", { model: "pair" })).json()) as Plan;
        const job = await controller.swap("pair");

        expect(plan.blockers).toEqual([]);
        // Whether the disks have been looked at by now, which warns of a download, is not this test's matter.
        const warnings = plan.warnings.filter(({ code }) => code !== "needs_download");
        expect(warnings.map(({ code, message }) => [code, message.replace(/\d{4} s/, "N s")])).toEqual([
          ["clock_skew", "The clock of spark-1 is N s ahead. Times shown here are the controller's."],
          ["clock_skew", "The clock of spark-2 is N s behind. Times shown here are the controller's."],
        ]);
        expect(job).toMatchObject({ state: "ready", failure: null });
        const said = (await logOf(controller, job.job_id)).filter(({ source }) => source === "controller");
        expect(said.filter(({ line }) => /The clock of spark-[12] is \d{4} s/.test(line))).toHaveLength(2);
        // Times shown are the controller's.
        const off = job.phases.map(({ started_at }) => Math.abs(Date.parse(started_at) - Date.now()));
        expect(Math.max(...off)).toBeLessThan(LIMIT_MS);
        expect(await counts(lab)).toEqual([1, 1]);
        expect(await controller.swap("small")).toMatchObject({ state: "ready", failure: null });
        await expectOnlySmall(lab, controller);
      },
      LIMIT_MS,
    );

    test(
      "the worker is rebooted in mid-load: failed, the model before is back, nothing else is left",
      async () => {
        const { lab } = its;
        const controller = await serving(its);
        await lab.behave({ loadSeconds: 1.5, models: { "acme/pair": { loadSeconds: 60 } } });
        const { job_id: id } = await controller.begin("pair");
        await jobIs(controller, id, "the weights load", ({ phase }) => phase === "weights");
        await until("vLLM loads on both Sparks", async () => (await counts(lab)).every((count) => count === 1), 60_000);

        await lab.worker.reboot();
        const job = await controller.settled(id);

        // The head's vLLM may tell first that it has lost its rank.
        expectFailure(job, job.failure?.code ?? "", /spark-2: another boot id|rank|EngineCore/, "small");
        expect(job.failure?.code).toMatch(/^(host_rebooted|engine_failed|launch_failed|model_died)$/);
        await expectOnlySmall(lab, controller);
      },
      LIMIT_MS,
    );
  },
  QUICK,
);
