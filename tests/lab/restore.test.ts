/**
 * A backup as the package makes it (`VACUUM INTO`, beside a controller that runs) of a moment in which a reservation holds and
 * a model loads, restored on real hosts. What counts is what the hosts' process tables show.
 */
import { expect, test } from "bun:test";
import { cp, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Controller } from "../support/controller.ts";
import { until } from "../support/until.ts";
import { loadIsHalf } from "./kill-points.ts";
import { type Its, inLab, LIMIT_MS, mains, recordOf, remains, served, slotOf } from "./survive-lab.ts";
import { VllmWatch } from "./vllm-watch.ts";

const SNAPSHOT = join(import.meta.dir, "../../routes/_snapshot.ts");
const LOAD_SECONDS = 6;

/** What the package's backup keeps: everything but the databases, and the snapshots of them. @returns its folder */
async function backUp(dataDir: string): Promise<string> {
  const env = { PATH: process.env.PATH ?? "", DATA_DIR: dataDir };
  const snapshot = Bun.spawn([process.execPath, SNAPSHOT], { env, stdout: "pipe", stderr: "inherit" });
  expect(await snapshot.exited).toBe(0);
  const backup = await mkdtemp(join(tmpdir(), "spark-backup-"));
  await cp(dataDir, backup, {
    recursive: true,
    filter: (path) => !/\/(facts|telemetry)\.db[^/]*$/.test(path) || path.includes("/backup/"),
  });
  await rm(join(dataDir, "backup"), { recursive: true });
  return backup;
}

async function restore(backup: string, dataDir: string): Promise<void> {
  await rm(dataDir, { recursive: true });
  await cp(backup, dataDir, { recursive: true });
  for (const name of await readdir(join(dataDir, "backup")))
    await rename(join(dataDir, "backup", name), join(dataDir, name));
}

/** Everything that lies there, as `cp -a` leaves it. @returns its folder */
async function copyOf(dataDir: string): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), "spark-copy-"));
  await cp(dataDir, copy, { recursive: true, preserveTimestamps: true });
  return copy;
}

/** A reservation is held, a model loads under it, and a backup is made of that moment. */
async function atHalfOfALoad(its: Its) {
  const { lab, data } = its;
  await lab.behave({ loadSeconds: 1.5, models: { "acme/small": { loadSeconds: LOAD_SECONDS } } });
  const first = await its.start();
  const { token } = await reserve(first, "nightly");
  const { job_id: id } = await first.begin("small", { lock_token: token });
  await loadIsHalf({ head: lab.head, jobId: id });
  const backup = await backUp(data.dataDir);
  return { first, token, id, backup };
}

async function reserve(controller: Controller, holder: string): Promise<{ token: string; generation: number }> {
  const answer = await controller.post("/api/swap/lock", { holder, ttl_seconds: 3_600 });
  expect(answer.status).toBe(200);
  return answer.json() as Promise<{ token: string; generation: number }>;
}

const isHeld = async (controller: Controller) => (await controller.get<{ held: boolean }>("/api/swap/lock")).held;

inLab("new", (its) => {
  test(
    "restored three swaps later: nothing is reserved from the first moment, the old swap ends, what runs is not touched",
    async () => {
      const { lab, data } = its;
      const { first, token, id, backup } = await atHalfOfALoad(its);
      try {
        expect(await first.settled(id)).toMatchObject({ state: "ready" });
        for (const model of ["other", "small", "third"])
          expect(await first.swap(model, { lock_token: token })).toMatchObject({ state: "ready" });
        await first.kill();
        const seen = Number(await readFile(lab.head.homeFile(".spark-control/generation"), "utf8"));
        await restore(backup, data.dataDir);
        expect(recordOf(data.dataDir, id)).toMatchObject({ job: { state: "loading" } });
        const before = { mains: await mains(lab), remains: await remains(lab) };
        expect(before.mains.map((each) => each.length)).toEqual([1, 0]);
        const watch = new VllmWatch(lab.hosts);

        const restored = await its.start();
        expect(await isHeld(restored)).toBe(false);
        expect((await restored.post("/api/swap", { model: "other", lock_token: token })).status).toBe(423);
        expect(await restored.settled(id)).toMatchObject({
          state: "failed",
          failure: { code: "restored" },
          rolled_back_to: null,
        });
        const adopted = async () => (({ state, by_hand }) => state === "serving" && !by_hand)(await slotOf(restored));
        await until("what runs is taken up", adopted, 20_000);
        expect(await slotOf(restored)).toMatchObject({ model: "third", by_hand: false, difference: null });
        expect({ mains: await mains(lab), remains: await remains(lab) }).toEqual(before);

        const job = await restored.swap("other");
        expect(job).toMatchObject({ state: "ready", failure: null });
        expect(job.generation).toBeGreaterThan(seen);
        expect((await reserve(restored, "Bob")).generation).toBeGreaterThan(job.generation);
        expect(await watch.end()).toEqual({ most: [1, 0], ran: [["acme/third", "acme/other"], []] });
      } finally {
        await rm(backup, { recursive: true, force: true });
      }
    },
    LIMIT_MS,
  );

  test(
    "restored while the load still goes on: it is taken up and gets ready, the reservation is dropped all the same",
    async () => {
      const { lab, data } = its;
      const { first, token, id, backup } = await atHalfOfALoad(its);
      try {
        await first.kill();
        const watch = new VllmWatch(lab.hosts);
        await restore(backup, data.dataDir);

        const restored = await its.start();
        expect(await isHeld(restored)).toBe(false);
        expect((await restored.post("/api/swap", { model: "other", lock_token: token })).status).toBe(423);
        expect(await restored.settled(id)).toMatchObject({ state: "ready", failure: null });
        expect(await slotOf(restored)).toMatchObject({ state: "serving", model: "small", by_hand: false });
        expect(await served(lab)).toEqual(["acme/small"]);
        expect(await watch.end()).toEqual({ most: [1, 0], ran: [["acme/small"], []] });
      } finally {
        await rm(backup, { recursive: true, force: true });
      }
    },
    LIMIT_MS,
  );

  test(
    "a plain copy of a controller that was killed in mid-load, put back three swaps later: it goes on with nothing, and ends nothing",
    async () => {
      const { lab, data } = its;
      await lab.behave({ loadSeconds: 1.5, models: { "acme/small": { loadSeconds: LOAD_SECONDS } } });
      let controller = await its.start();
      const { token } = await reserve(controller, "nightly");
      const { job_id: id, generation } = await controller.begin("small", { lock_token: token });
      await loadIsHalf({ head: lab.head, jobId: id });
      await controller.kill();
      const copy = await copyOf(data.dataDir);
      try {
        controller = await its.start();
        expect(await controller.settled(id)).toMatchObject({ state: "ready", failure: null });
        for (const model of ["other", "small", "third"])
          expect(await controller.swap(model, { lock_token: token })).toMatchObject({ state: "ready" });
        await controller.kill();
        const seen = Number(await readFile(lab.head.homeFile(".spark-control/generation"), "utf8"));
        for (const name of await readdir(data.dataDir)) await rm(join(data.dataDir, name), { recursive: true });
        await cp(copy, data.dataDir, { recursive: true });
        expect(recordOf(data.dataDir, id)).toMatchObject({ job: { state: "loading" } });
        const before = { mains: await mains(lab), remains: await remains(lab) };
        expect(before.mains.map((each) => each.length)).toEqual([1, 0]);
        const watch = new VllmWatch(lab.hosts);

        const restored = await its.start();
        const job = await restored.settled(id);
        expect(job).toMatchObject({ state: "failed", failure: { code: "superseded" }, rolled_back_to: null });
        expect(job.failure?.evidence).toContain(`remembers generation ${seen}; this swap has ${generation}`);
        await until("the reservation is dropped", async () => !(await isHeld(restored)), 20_000);
        const adopted = async () => (({ state, by_hand }) => state === "serving" && !by_hand)(await slotOf(restored));
        await until("what runs is taken up", adopted, 40_000);
        expect(await slotOf(restored)).toMatchObject({ model: "third", by_hand: false, difference: null });
        expect({ mains: await mains(lab), remains: await remains(lab) }).toEqual(before);
        expect((await restored.post("/api/swap", { model: "other", lock_token: token })).status).toBe(423);

        const next = await restored.swap("other");
        expect(next).toMatchObject({ state: "ready", failure: null });
        expect(next.generation).toBeGreaterThan(seen);
        expect(await watch.end()).toEqual({ most: [1, 0], ran: [["acme/third", "acme/other"], []] });
      } finally {
        await rm(copy, { recursive: true, force: true });
      }
    },
    LIMIT_MS,
  );
});
