/** Downloads on hosts with real disks, processes and SSH between them; the script is a stand-in that fetches zeros. */
import { expect, test } from "bun:test";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import type { Download } from "../../lib/downloads/download.ts";
import type { Controller } from "../support/controller.ts";
import { until } from "../support/until.ts";
import type { Host } from "./host.ts";
import { type Its, inLab, LIMIT_MS } from "./survive-lab.ts";

const REPO = "acme/fetched";
const FOLDER = ".cache/huggingface/hub/models--acme--fetched";
const MIB = 1024 * 1024;

/** @param conf of the stand-in */
async function install({ lab }: Its, conf = ""): Promise<void> {
  for (const host of lab.hosts) {
    await host.exec(`rm -rf ~/${FOLDER}`);
    const script = host.homeFile("spark-vllm-docker/hf-download.sh");
    await Bun.write(script, Bun.file(join(import.meta.dir, "hf-download.sh")));
    await chmod(script, 0o755);
    await Bun.write(host.homeFile("hf-download.conf"), `${conf}\n`);
  }
}
const begin = async (controller: Controller, body: object = { repo: REPO }): Promise<Download> =>
  (await controller.post("/api/downloads", body)).json() as Promise<Download>;
const look = (controller: Controller, { id }: Download) => controller.get<Download>(`/api/downloads/${id}`);
async function ended(controller: Controller, download: Download): Promise<Download> {
  await until("the download has ended", async () => (await look(controller, download)).ended_at !== null, 60_000);
  return look(controller, download);
}
const bytesOn = async (host: Host) =>
  Number((await host.exec(`du -sb ~/${FOLDER}/blobs | cut -f1`)).stdout.trim() || 0);
const scripts = async (host: Host) => (await host.processes()).filter(({ args }) => /hf-download\.sh/.test(args));

inLab("new", (its) => {
  test(
    "shows its progress, and is copied to the second Spark",
    async () => {
      await install(its, "MIB=60 STEP_SECONDS=0.4");
      const controller = await its.start();
      const download = await begin(controller);
      const seen: Download[] = [];
      await until(
        "it is done",
        async () => {
          seen.push(await look(controller, download));
          return seen.at(-1)!.ended_at !== null;
        },
        60_000,
      );

      expect(seen.at(-1)).toMatchObject({ state: "done", progress: 1, reason: null });
      for (const host of its.lab.hosts) expect(await bytesOn(host)).toBeGreaterThanOrEqual(60 * MIB);
      const sizes = [...new Set(seen.map(({ on_disk }) => on_disk[0]?.bytes ?? 0))];
      expect(sizes.length).toBeGreaterThan(2);
      expect(seen.some(({ bytes_per_second }) => (bytes_per_second ?? 0) > MIB)).toBe(true);
      expect(seen.at(-1)!.evidence).toContain("Copy complete.");
    },
    LIMIT_MS,
  );

  test(
    "is cancelled with everything that it started, and goes on where it stopped",
    async () => {
      await install(its, "STEP_SECONDS=0.5");
      const controller = await its.start();
      const download = await begin(controller);
      await until("some of it is there", async () => (await bytesOn(its.lab.head)) > 2 * MIB, 30_000);

      const answer = await fetch(`${controller.url}/api/downloads/${download.id}`, { method: "DELETE" });
      expect(answer.status).toBe(200);
      expect((await ended(controller, download)).state).toBe("cancelled");
      expect(await scripts(its.lab.head)).toEqual([]);
      const there = await bytesOn(its.lab.head);
      expect(there).toBeLessThan(20 * MIB);

      const again = await begin(controller);
      await until("it goes on", async () => (await bytesOn(its.lab.head)) > there, 30_000);
      expect((await ended(controller, again)).state).toBe("done");
    },
    LIMIT_MS,
  );

  test(
    "says that the disk is full",
    async () => {
      await install(its, "FREE_MIB=8");
      const controller = await its.start();

      const { state, reason, evidence } = await ended(
        controller,
        await begin(controller, { repo: REPO, nodes: ["spark-1"] }),
      );

      expect({ state, reason }).toEqual({ state: "failed", reason: "The disk of spark-1 is full." });
      expect(evidence).toContain("No space left on device");
    },
    LIMIT_MS,
  );

  test(
    "says that the second Spark could not be reached for the copy; a new start only copies",
    async () => {
      await install(its, "STEP_SECONDS=0.3");
      const controller = await its.start();
      const download = await begin(controller);
      await until("some of it is there", async () => (await bytesOn(its.lab.head)) > 2 * MIB, 30_000);
      await its.lab.worker.linkDown();

      const failed = await ended(controller, download);
      expect(failed.state).toBe("failed");
      expect(failed.reason).toBe("The model is on spark-1, but could not be copied to spark-2.");
      expect(await bytesOn(its.lab.head)).toBeGreaterThanOrEqual(20 * MIB);

      await its.lab.worker.linkUp();
      let again: Download | undefined;
      await until(
        "the second Spark is back",
        async () => {
          again = await begin(controller);
          return again.id !== undefined;
        },
        30_000,
      );
      expect((await ended(controller, again!)).state).toBe("done");
      expect(await bytesOn(its.lab.worker)).toBeGreaterThanOrEqual(20 * MIB);
    },
    LIMIT_MS,
  );

  test(
    "goes on while the controller is killed, and the next one follows it",
    async () => {
      await install(its, "STEP_SECONDS=0.5");
      const first = await its.start();
      const download = await begin(first);
      await until("some of it is there", async () => (await bytesOn(its.lab.head)) > 2 * MIB, 30_000);
      const running = await scripts(its.lab.head);
      first.process.kill("SIGKILL");
      await first.process.exited;

      const second = await its.start();

      expect((await look(second, download)).ended_at).toBeNull();
      expect((await scripts(its.lab.head)).map(({ pid }) => pid)).toEqual(expect.arrayContaining([running[0]!.pid]));
      expect((await ended(second, download)).state).toBe("done");
    },
    LIMIT_MS,
  );
});
