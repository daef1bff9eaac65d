/**
 * The disk of the controller is full in mid-load, with a real ENOSPC: the controller as a process of its own, its DATA_DIR
 * on a small file system, the simulated Sparks in this process.
 */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SimulatedFault } from "../../lib/simulator/faults.ts";
import { type SimulatedCluster, startSimulator } from "../../lib/simulator/simulator.ts";
import { loadIdentity } from "../../lib/ssh/identity.ts";
import type { Status } from "../../lib/status.ts";
import type { LogLine, SwapJob } from "../../lib/swap/swap.ts";
import { Controller } from "../support/controller.ts";
import { requirement } from "../support/requirements.ts";
import { SmallDisk } from "../support/small-disk.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(120_000);

const DISK_MIB = 16;
const SPEED = 30;
const BEFORE = "qwen3-30b-a3b";
const MODEL = "gpt-oss-20b";
const FULL = "nothing can be written; swaps wait";
const AGAIN = "writing works again";

let disk: SmallDisk | null = null;
let cluster: SimulatedCluster | undefined;
let controller: Controller | undefined;

afterEach(async () => {
  await controller?.kill();
  await cluster?.close();
  disk?.remove();
  controller = cluster = undefined;
  disk = null;
});

async function begin(): Promise<void> {
  disk = SmallDisk.mount(DISK_MIB)!;
  const { publicKeyLine } = loadIdentity({ folder: disk.path });
  cluster = await startSimulator({ ports: "ephemeral", speed: SPEED, authorizedKey: publicKeyLine });
  writeFileSync(join(disk.path, "topology.yaml"), cluster.topologyYaml);
  writeFileSync(join(disk.path, "services-overrides.yaml"), cluster.servicesYaml);
  await start();
}

async function start(): Promise<void> {
  controller = await Controller.start({ dataDir: disk!.path });
  await until("the first look at the Sparks", async () =>
    (await status()).nodes.every(({ state }) => state === "reachable"),
  );
}

const status = () => controller!.get<Status>("/api/status");
const job = (id: string) => controller!.get<SwapJob>(`/api/swap/${id}`);
const lines = async (id: string) =>
  (await controller!.get<{ lines: LogLine[] }>(`/api/swap/${id}/lines?after=0&limit=1000`)).lines;
const times = (words: string) => controller!.said.split(words).length - 1;
const vllm = () =>
  cluster!.nodes.flatMap((node) =>
    node.processes
      .all()
      .map(({ argv }) => `${node.name}: ${argv.join(" ")}`)
      .filter((line) => /vllm/i.test(line))
      .sort(),
  );

/** Begins a load and fills the disk once the weights are being read; resolves when the job says that it waits. */
async function fullInMidLoad(): Promise<string> {
  const { job_id } = await controller!.begin(MODEL);
  await until("the weights are being read", async () => (await job(job_id)).phase === "weights", 40_000);
  disk!.fill();
  await until("the job says what it waits for", async () => (await job(job_id)).reason !== null, 40_000);
  return job_id;
}

async function expectTold(job_id: string): Promise<void> {
  expect(await job(job_id)).toMatchObject({
    ended_at: null,
    failure: null,
    reason: expect.stringMatching(/^Waits: the disk of Spark Control is full.* goes on by itself/),
  });
  expect((await status()).store_problem).toMatchObject({
    message: expect.stringContaining("full"),
    evidence: expect.stringMatching(/^SQLITE_(FULL|IOERR)/),
    advice: expect.stringContaining(disk!.path),
  });
}

/** What a log says, without what differs from one load to the next: times, ids, figures. */
const spoken = (log: readonly LogLine[], source: string) =>
  log.filter((each) => each.source === source).map(({ line }) => line.replaceAll(/[0-9a-f]{6,}|\d+/g, "#"));

/** Numbered from 1 without a gap, and each source has said exactly what it says in a load with room. */
function expectWhole(log: readonly LogLine[], reference: readonly LogLine[]): void {
  expect(log.map(({ seq }) => seq)).toEqual(log.map((_each, index) => index + 1));
  const sources = [...new Set(reference.map(({ source }) => source))].filter((source) => source !== "controller");
  expect(sources).toContain("launch");
  expect(reference.length).toBeGreaterThan(15);
  for (const source of sources) expect(spoken(log, source)).toEqual(spoken(reference, source));
}

/** A load of the model that nothing disturbs; the model before is loaded again after it. */
async function undisturbed(): Promise<LogLine[]> {
  const before = await controller!.swap(MODEL);
  expect(before.state).toBe("ready");
  const log = await lines(before.job_id);
  expect((await controller!.swap(BEFORE)).state).toBe("ready");
  return log;
}

requirement(
  "a full disk",
  SmallDisk.isPossible,
  "a file system has to be mounted: run as root on Linux",
)("a full disk of the controller in mid-load", () => {
  test("is told; with room again the swap goes on to ready, and its log is whole", async () => {
    await begin();
    const reference = await undisturbed();

    const job_id = await fullInMidLoad();
    await expectTold(job_id);
    const isReady = () => cluster!.nodes[0]!.processes.all().some(({ argv }) => argv.join(" ").includes(MODEL));
    await until("the load went on meanwhile", isReady);
    disk!.empty();

    expect(await controller!.settled(job_id)).toMatchObject({ state: "ready", reason: null, failure: null });
    await until("the problem is gone", async () => (await status()).store_problem === null);
    expectWhole(await lines(job_id), reference);
    expect([times(FULL), times(AGAIN), times("an internal error")]).toEqual([1, 1, 0]);
    expect(vllm().filter((line) => line.includes("python3"))).toEqual([expect.stringContaining(MODEL)]);
  });

  test("a stop that could not be written is not under way: with room again the place is free", async () => {
    await begin();
    expect((await controller!.swap(MODEL)).state).toBe("ready");
    disk!.fill();
    const stop = () => controller!.post("/api/services/main/stop", {});
    await until("nothing can be written", async () => (await stop()).status === 503);
    disk!.empty();

    const reserved = await controller!.post("/api/swap/lock", { holder: "nightly" });
    expect([reserved.status, vllm().length > 0]).toEqual([200, true]);
    const { token } = (await reserved.json()) as { token: string };
    expect((await controller!.post("/api/services/main/stop", { lock_token: token })).status).toBe(200);
    expect(vllm()).toEqual([]);
  });

  test("and a restart in the middle of it: adopted, no line is missing and none is there twice", async () => {
    await begin();
    const reference = await undisturbed();
    const job_id = await fullInMidLoad();
    const stored = (await lines(job_id)).length;
    expect(stored).toBeGreaterThan(0);

    await controller!.kill();
    disk!.empty();
    await start();

    expect(await controller!.settled(job_id)).toMatchObject({ state: "ready", reason: null });
    expectWhole(await lines(job_id), reference);
  });

  test("and a restart after there was room again: what was read with the disk full is neither missing nor there twice", async () => {
    await begin();
    const reference = await undisturbed();
    const { job_id } = await controller!.begin(MODEL);
    await until("the model is being loaded", async () => (await job(job_id)).state === "loading", 40_000);
    disk!.fill();
    const before = (await lines(job_id)).length;
    await until("lines wait for room", async () => (await lines(job_id)).length > before + 2, 40_000);
    expect((await status()).store_problem).not.toBeNull();
    disk!.empty();
    await until("the problem is gone", async () => (await status()).store_problem === null);
    expect((await job(job_id)).ended_at).toBeNull();

    await controller!.kill();
    await start();

    expect(await controller!.settled(job_id)).toMatchObject({ state: "ready", reason: null });
    expectWhole(await lines(job_id), reference);
  });

  test("and the load fails meanwhile: with room again the swap has failed, and the model before is back", async () => {
    await begin();
    expect((await controller!.swap(BEFORE)).state).toBe("ready");
    const before = vllm();
    const fault: SimulatedFault = { kind: "out_of_memory", variant: "allocation", times: 1 };
    cluster!.inject(fault);
    const job_id = await fullInMidLoad();
    await expectTold(job_id);
    await until("the load has failed on the Sparks", () => !vllm().some((line) => line.includes("python3")), 40_000);
    expect((await job(job_id)).ended_at).toBeNull();
    disk!.empty();

    expect(await controller!.settled(job_id)).toMatchObject({
      state: "failed",
      failure: { code: "out_of_memory" },
      rolled_back_to: BEFORE,
    });
    await until("the hosts are as before", () => vllm().join("\n") === before.join("\n"));
    await until("the problem is gone", async () => (await status()).store_problem === null);
  });

  test("and nothing runs: a swap is refused, nothing is touched, and with room it can be started", async () => {
    await begin();
    disk!.fill();
    const refused = await controller!.post("/api/swap", { model: MODEL });
    expect([refused.status, await refused.json()]).toMatchObject([
      503,
      { code: "store_unwritable", detail: expect.stringContaining("Make room on the disk that holds its DATA_DIR") },
    ]);
    expect((await status()).store_problem?.evidence).toMatch(/^SQLITE_/);
    expect(vllm()).toEqual([]);
    disk!.empty();
    await until("the problem is gone", async () => (await status()).store_problem === null);

    expect(await controller!.swap(MODEL)).toMatchObject({ state: "ready" });
  });
});
