/** Downloads onto the simulated Sparks, over real SSH. */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Download } from "../../../lib/downloads/download.ts";
import type { DownloadSparks } from "../../../lib/downloads/sparks.ts";
import { type Demo, type DemoOptions, startDemo } from "../../support/demo.ts";
import { until } from "../../support/until.ts";

setDefaultTimeout(60_000);

const NEW =
  "models:\n  fresh: { repo: acme/fresh-8b, size_gb: 16 }\n  mine: { local_path: /models/acme-14b-instruct }\n";
const FOLDER = "/home/spark/.cache/huggingface/hub/models--acme--fresh-8b";

let demo: Demo | undefined;
afterEach(async () => {
  await demo?.close();
  demo = undefined;
});

/** At speed 100 the download takes about 1.4 s, the copy 0.2 s. */
async function start(options: DemoOptions = {}): Promise<Demo> {
  const files = { "models-overrides.yaml": NEW };
  demo = await startDemo({ services: false, speed: 100, files, machineTiming: { downloadMs: 40 }, ...options });
  return demo;
}
const order = async (body: unknown): Promise<{ status: number; body: Download & { code: string; detail: string } }> => {
  const response = await demo!.post("/api/downloads", body);
  return { status: response.status, body: (await response.json()) as Download & { code: string; detail: string } };
};
const look = async (id: string): Promise<Download> =>
  (await fetch(`${demo!.url}/api/downloads/${id}`)).json() as Promise<Download>;
async function ended(id: string): Promise<Download> {
  await until("the download has ended", async () => (await look(id)).ended_at !== null, 30_000);
  return look(id);
}
const sizes = () => demo!.cluster.nodes.map(({ files }) => files.usedKb(`${FOLDER}/blobs`) ?? 0);

describe("a download", () => {
  test("fills the first Spark, is copied to the second, and shows progress and speed on the way", async () => {
    const { plane } = await start();
    const seen: Download[] = [];
    plane.events.subscribe(({ download }) => seen.push(download), ["download.changed"]);
    const { status, body } = await order({ model: "fresh" });
    expect(status).toBe(202);
    expect(body).toMatchObject({
      repo: "acme/fresh-8b",
      model: "fresh",
      nodes: ["spark-1", "spark-2"],
      total_bytes: 16e9,
    });

    const { state, progress, on_disk, reason } = await ended(body.id);

    expect({ state, progress, reason }).toEqual({ state: "done", progress: 1, reason: null });
    expect(on_disk.map(({ bytes }) => bytes! > 16e9)).toEqual([true, true]);
    expect(new Set(seen.map((each) => each.state))).toEqual(new Set(["downloading", "copying", "done"]));
    const running = seen.filter((each) => each.state === "downloading");
    const shares = seen.map((each) => each.progress ?? 0);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(
      running.some((each) => each.progress! > 0.02 && each.bytes_per_second! > 1e9 && each.eta_seconds !== null),
    ).toBe(true);
    await until("the menu knows it", async () => {
      const { models } = (await (await fetch(`${demo!.url}/api/models`)).json()) as {
        models: { key: string; availability: string }[];
      };
      return models.find(({ key }) => key === "fresh")?.availability === "on_disk";
    });
    const audit = await (await fetch(`${demo!.url}/api/audit?action=download.ended`)).text();
    expect(audit).toContain('"repo":"acme/fresh-8b"');
  });

  test("that is cancelled ends on the Spark, and a new one goes on where it stopped", async () => {
    await start({ speed: 20 });
    const { body } = await order({ model: "fresh", nodes: ["spark-1"] });
    await until("some of it is there", () => sizes()[0]! > 1e6);

    expect((await fetch(`${demo!.url}/api/downloads/${body.id}`, { method: "DELETE" })).status).toBe(200);
    const over = await ended(body.id);
    const [there] = sizes();
    expect(over.state).toBe("cancelled");
    expect(demo!.cluster.nodes[0]!.processes.all().filter(({ argv }) => argv.includes("acme/fresh-8b"))).toEqual([]);
    expect((await fetch(`${demo!.url}/api/downloads/${body.id}`, { method: "DELETE" })).status).toBe(409);

    const again = await order({ model: "fresh", nodes: ["spark-1"] });
    await until("it goes on", () => sizes()[0]! > there!);
    expect((await look(again.body.id)).on_disk[0]!.bytes).toBeGreaterThanOrEqual(there! * 1024);
  });

  test("goes on while the controller is restarted, and is followed to its end", async () => {
    const { restart } = await start({ speed: 30 });
    const { body } = await order({ model: "fresh" });
    await until("some of it is there", () => sizes()[0]! > 1e6);

    await restart();

    expect((await look(body.id)).ended_at).toBeNull();
    expect((await ended(body.id)).state).toBe("done");
  });

  test("of which the end was not seen, because the controller was away, is judged afterwards", async () => {
    const { goAway, comeBack, cluster } = await start();
    const { body } = await order({ model: "fresh" });
    await goAway();
    await cluster.until(() => sizes()[1]! > 15_600_000, 30_000);

    await comeBack();

    expect((await ended(body.id)).state).toBe("done");
  });

  test("that cannot be copied says that the model is on the first Spark, and what to look at", async () => {
    await start();
    demo!.cluster.nodes[1]!.network.set("down");
    const { body } = await order({ model: "fresh" });
    expect(body.code).toStartWith("ssh_");
    demo!.cluster.nodes[1]!.network.set("up");
    demo!.cluster.inject({ kind: "worker_ssh_denied", node: "spark-2" });
    await until("spark-2 can be reached", async () => (await order({ model: "fresh" })).status !== 502, 20_000);

    const [first] = ((await (await fetch(`${demo!.url}/api/downloads`)).json()) as { downloads: Download[] }).downloads;
    const { state, reason, evidence, on_disk } = await ended(first!.id);
    expect(state).toBe("failed");
    expect(reason).toBe("The model is on spark-1, but could not be copied to spark-2.");
    expect(evidence).toContain("Permission denied");
    expect(on_disk.map(({ bytes }) => (bytes ?? 0) > 0)).toEqual([true, false]);
  });

  test("for which there is no room is refused; a disk that fills up in between is told", async () => {
    await start({ speed: 20 });
    const { cluster } = demo!;
    cluster.inject({ kind: "disk_full", node: "spark-2" });
    const refused = await order({ model: "fresh" });
    expect([refused.status, refused.body.code]).toEqual([409, "no_room"]);
    expect(refused.body.detail).toMatch(/^spark-2 has 0\.0 GB free, but acme\/fresh-8b needs 21 GB there/);
    cluster.clear();

    const { body } = await order({ model: "fresh", nodes: ["spark-1"] });
    await until("some of it is there", () => sizes()[0]! > 1e6);
    cluster.inject({ kind: "disk_full", node: "spark-1" });
    expect(await ended(body.id)).toMatchObject({ state: "failed", reason: "The disk of spark-1 is full." });
  });

  test("waits for a Spark that is out of reach, and says so", async () => {
    await start({ speed: 20 });
    const { body } = await order({ model: "fresh", nodes: ["spark-1"] });
    await until("some of it is there", () => sizes()[0]! > 1e6);
    demo!.cluster.nodes[0]!.network.set("down");
    await until("it says so", async () => (await look(body.id)).reason !== null, 20_000);
    expect((await look(body.id)).ended_at).toBeNull();

    demo!.cluster.nodes[0]!.network.set("up");
    expect((await ended(body.id)).state).toBe("done");
  });

  /** Another topology.yaml is there from now on. */
  const reads = (yaml: string) => {
    writeFileSync(join(demo!.dataDir, "topology.yaml"), yaml);
    demo!.plane.config.reload();
  };
  const withTypo = (yaml: string) => yaml.replace(/(- name: spark-1\n {4}host: .*\n)/, "$1    ssh_port: 22a\n");

  test.each([
    ["is broken", (yaml: string) => `${yaml}\nnodes: [\n`],
    ["has a typo in the entry of its Spark", (yaml: string) => withTypo(yaml.replace(/ {4}ssh_port: .*\n/, ""))],
  ])("waits while the configuration %s, and says so", async (_, broken) => {
    const { cluster } = await start({ speed: 20 });
    const { id } = (await order({ model: "fresh", nodes: ["spark-1"] })).body;
    await until("some of it is there", async () => ((await look(id)).bytes ?? 0) > 1e8);
    reads(broken(cluster.topologyYaml));
    expect(demo!.plane.config.current.problems).not.toEqual([]);
    await until("it says so", async () => (await look(id)).reason?.includes("cannot be read just now") ?? false);
    expect(await look(id)).toMatchObject({ ended_at: null, bytes_per_second: null, eta_seconds: null });
    reads(cluster.topologyYaml);

    expect(await ended(id)).toMatchObject({ state: "done", reason: null });
  });

  test("ends when its Spark is taken out; one that was being cancelled is cancelled", async () => {
    const { cluster } = await start({ speed: 20 });
    const out = cluster.topologyYaml.replace(/ {2}- name: spark-1\n(?: {4}.*\n)*/, "");
    const { id } = (await order({ model: "fresh", nodes: ["spark-1"] })).body;
    await until("some of it is there", async () => ((await look(id)).bytes ?? 0) > 1e8);
    reads(out);
    expect(await ended(id)).toMatchObject({
      state: "failed",
      reason: "The Spark that downloads is not configured any more.",
    });

    reads(cluster.topologyYaml);
    const second = (await order({ model: "fresh", nodes: ["spark-1"] })).body.id;
    await until("more of it is there", async () => ((await look(second)).bytes ?? 0) > 2e8);
    cluster.nodes[0]!.network.set("down");
    await fetch(`${demo!.url}/api/downloads/${second}`, { method: "DELETE" });
    reads(out);
    expect((await ended(second)).state).toBe("cancelled");
  });

  test("that is cancelled while its Spark is out of reach stays cancelled over a restart of the controller", async () => {
    const { restart, cluster } = await start({ speed: 20 });
    const { body } = await order({ model: "fresh", nodes: ["spark-1"] });
    await until("some of it is there", () => sizes()[0]! > 1e6);
    cluster.nodes[0]!.network.set("down");
    expect((await fetch(`${demo!.url}/api/downloads/${body.id}`, { method: "DELETE" })).status).toBe(200);

    await restart();
    expect((await look(body.id)).state).toBe("cancelling");
    cluster.nodes[0]!.network.set("up");

    expect((await ended(body.id)).state).toBe("cancelled");
    expect(cluster.nodes[0]!.processes.all().filter(({ argv }) => argv.includes("acme/fresh-8b"))).toEqual([]);
  });

  test("is followed to its end when whoever ordered it leaves while it begins", async () => {
    const { plane } = await start();
    const { sparks } = (plane.machines.downloads as unknown as { options: { sparks: DownloadSparks } }).options;
    const leaving = new AbortController();
    const { start: begin } = sparks;
    sparks.start = async (node, job, signal) => {
      await begin(node, job, signal);
      leaving.abort();
      await until("the request has gone", () => left);
      signal.throwIfAborted();
    };
    let left = false;
    await fetch(`${demo!.url}/api/downloads`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "fresh" }),
      signal: leaving.signal,
    }).catch(() => (left = true));

    expect((await order({ repo: "acme/other-3b" })).body.code).toBe("download_running");
    const [first] = plane.machines.downloads.list();
    expect((await ended(first!.id)).state).toBe("done");
  });

  test("is not ended by a swap, which ends launches that it does not know", async () => {
    await start({ speed: 40 });
    const { body } = await order({ model: "fresh" });
    await until("some of it is there", () => sizes()[0]! > 1e6);

    expect((await demo!.swap("gpt-oss-20b")).state).toBe("ready");
    expect((await demo!.swap("qwen3-30b-a3b")).state).toBe("ready");

    expect((await ended(body.id)).state).toBe("done");
  });
});

describe("an order", () => {
  const wrong: [string, unknown, number, string][] = [
    ["for nothing", {}, 422, "malformed_download"],
    ["for a model and a repository", { model: "fresh", repo: "acme/x" }, 422, "malformed_download"],
    ["for a repository that is none", { repo: "acme/x; reboot" }, 422, "malformed_download"],
    ["for an unknown model", { model: "nobody" }, 404, "unknown_model"],
    ["for a folder on the Sparks", { model: "mine" }, 409, "local_model"],
    ["for an unknown Spark", { model: "fresh", nodes: ["nobody"] }, 404, "unknown_node"],
  ];
  for (const [what, body, status, code] of wrong)
    test(`${what} is refused`, async () => {
      await start();
      const answer = await order(body);
      expect([answer.status, answer.body.code]).toEqual([status, code]);
    });

  test("beside one that runs is refused with its id", async () => {
    await start({ speed: 20 });
    const [one, other] = await Promise.all([order({ model: "fresh" }), order({ repo: "acme/other-3b" })]);
    expect([one!.status, other!.status].sort()).toEqual([202, 409]);
    expect([one!.body.code, other!.body.code]).toContain("download_running");
  });
});
