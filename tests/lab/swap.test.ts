/** Swaps on real hosts: OpenSSH, containers, the launch script. What counts is what the hosts' process tables show. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { mkdir, rename } from "node:fs/promises";
import type { Status } from "../../lib/status.ts";
import type { SwapJob } from "../../lib/swap/swap.ts";
import { Controller, makeDataDir } from "../support/controller.ts";
import { requirement } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { labAvailability } from "./available.ts";
import { type Dialect, type Lab, startLab } from "./lab.ts";
import { removeContainers } from "./launch.ts";
import { vllmProcesses } from "./processes.ts";

const { available, how } = await labAvailability();
const describeLab = requirement("swaps in the lab", available, how);

const LIMIT_MS = 180_000;
const LOCAL_PATH = "/home/alice/models/meeting-notes";
const MODELS = `models:
  small: { repo: acme/small, nodes: 1, gpu_memory_utilization: 0.2, size_gb: 0.5 }
  other: { repo: acme/other, nodes: 1, gpu_memory_utilization: 0.2, size_gb: 0.5 }
  pair: { repo: acme/pair, nodes: 2, gpu_memory_utilization: 0.2, size_gb: 1 }
  notes: { local_path: ${LOCAL_PATH}, nodes: 2, gpu_memory_utilization: 0.2, size_gb: 0.5 }
  hard:
    repo: acme/hard
    nodes: 1
    gpu_memory_utilization: 0.2
    args: [--override-generation-config, '{"a": "it''s $HOME; \`id\`"}']
`;

const servers = async (lab: Lab) =>
  Promise.all(
    lab.hosts.map(async (host) => (await vllmProcesses(host)).filter(({ role }) => role === "server").length),
  );
const working = async (lab: Lab) => Promise.all(lab.hosts.map(async (host) => (await vllmProcesses(host)).length > 0));
/** What a swap may have left: vLLM processes, launchers, and containers in whatever state. */
const leftovers = async (lab: Lab) => {
  const processes = (await Promise.all(lab.hosts.map((host) => vllmProcesses(host)))).flat().map(({ args }) => args);
  const starting = (await lab.head.processes())
    .map(({ args }) => args)
    .filter((args) => args.includes("launch-cluster.sh"));
  const containers = await Promise.all(
    lab.hosts.map(async (host) => (await host.exec("docker ps -a --format '{{.Names}}'")).stdout.trim()),
  );
  return [...processes, ...starting, ...containers.filter((names) => names !== "")];
};
const launchers = async (lab: Lab) =>
  (await lab.head.processes()).filter(({ args }) => args.includes("launch-cluster.sh")).length;

function inLab(dialect: Dialect, body: (its: { lab: Lab; controller: Controller }) => void): void {
  describeLab(`with the ${dialect} launch script`, () => {
    const its = {} as { lab: Lab; controller: Controller };
    let data: ReturnType<typeof makeDataDir>;
    beforeAll(async () => {
      its.lab = await startLab({ dialect });
      for (const host of its.lab.hosts) {
        await mkdir(host.homeFile("models/meeting-notes"), { recursive: true });
        await Bun.write(host.homeFile("models/meeting-notes/config.json"), "{}");
      }
    }, LIMIT_MS);
    beforeEach(async () => {
      data = makeDataDir({ "topology.yaml": its.lab.topologyYaml, "models-overrides.yaml": MODELS });
      await its.lab.authorize(data.publicKeyLine);
      // Each test brings a controller of its own; what the one before left as a mark on the hosts is not its concern.
      for (const host of its.lab.hosts) await host.exec("rm -rf ~/.spark-control");
      its.controller = await Controller.start(data);
    }, LIMIT_MS);
    afterEach(async () => {
      await its.controller.stop();
      data.remove();
      await its.lab.behave({});
      await removeContainers(its.lab);
      await until(
        "no vLLM and no launcher is left",
        async () => !(await working(its.lab)).includes(true) && (await launchers(its.lab)) === 0,
        LIMIT_MS,
      );
    }, LIMIT_MS);
    afterAll(() => its.lab?.close(), LIMIT_MS);
    body(its);
  });
}

for (const dialect of ["old", "new"] as const)
  inLab(dialect, (its) => {
    test(
      "solo, then across both hosts, then back, then a local model on both: one vLLM a slot at each step",
      async () => {
        const solo = await its.controller.swap("small");
        expect(solo).toMatchObject({ state: "ready", failure: null });
        expect(await servers(its.lab)).toEqual([1, 0]);

        const pair = await its.controller.swap("pair");
        expect(pair).toMatchObject({ state: "ready", failure: null, previous_model: "small" });
        expect((await servers(its.lab))[0]).toBe(1);
        expect(await working(its.lab)).toEqual([true, true]);
        const models = await (await fetch(`${its.lab.vllmUrl}/v1/models`)).json();
        expect(models).toMatchObject({ data: [{ id: "acme/pair" }] });

        const back = await its.controller.swap("other");
        expect(back).toMatchObject({ state: "ready", failure: null, previous_model: "pair" });
        expect(await servers(its.lab)).toEqual([1, 0]);
        expect(await working(its.lab)).toEqual([true, false]);

        const local = await its.controller.swap("notes");
        expect(local).toMatchObject({ state: "ready", failure: null });
        expect((await servers(its.lab))[0]).toBe(1);
        for (const host of its.lab.hosts)
          expect((await host.exec(`docker exec vllm_node ls ${LOCAL_PATH}`)).stdout).toContain("config.json");
      },
      LIMIT_MS,
    );

    test(
      "arguments that a shell would take apart reach vLLM as they are",
      async () => {
        expect(await its.controller.swap("hard")).toMatchObject({ state: "ready", failure: null });
        const argv = (await (await fetch(`${its.lab.vllmUrl}/lab/argv`)).json()) as string[];
        expect(argv.slice(-2)).toEqual(["--override-generation-config", '{"a": "it\'s $HOME; `id`"}']);
      },
      LIMIT_MS,
    );

    test(
      "out of memory while loading: failed with the line, nothing left, the previous model is back",
      async () => {
        expect(await its.controller.swap("small")).toMatchObject({ state: "ready", failure: null });
        await its.lab.behave({ models: { "acme/other": { fail: "oom" } } });
        const job = await its.controller.swap("other");
        expect(job).toMatchObject({ state: "failed", failure: { code: "out_of_memory" }, rolled_back_to: "small" });
        expect(job.failure?.evidence).toMatch(/OutOfMemoryError|less than desired GPU memory utilization/);
        expect(await servers(its.lab)).toEqual([1, 0]);
        expect(await (await fetch(`${its.lab.vllmUrl}/v1/models`)).json()).toMatchObject({
          data: [{ id: "acme/small" }],
        });
      },
      LIMIT_MS,
    );

    test(
      "cancelled while loading: nothing of it is left on the hosts",
      async () => {
        await its.lab.behave({ models: { "acme/pair": { loadSeconds: 60 } } });
        const { job_id } = await its.controller.begin("pair");
        await until("vLLM runs on both hosts", async () => !(await working(its.lab)).includes(false), 60_000);
        expect((await fetch(`${its.controller.url}/api/swap/${job_id}`, { method: "DELETE" })).status).toBe(202);
        expect(await its.controller.settled(job_id)).toMatchObject({ state: "cancelled", reason: "Cancelled." });
        expect(await leftovers(its.lab)).toEqual([]);
        expect(await launchers(its.lab)).toBe(0);
      },
      LIMIT_MS,
    );

    test(
      "the launch script is missing: failed before anything is touched",
      async () => {
        expect(await its.controller.swap("small")).toMatchObject({ state: "ready", failure: null });
        const script = its.lab.head.homeFile("spark-vllm-docker/launch-cluster.sh");
        await rename(script, `${script}.away`);
        const job = await its.controller.swap("other").finally(() => rename(`${script}.away`, script));
        expect(job).toMatchObject({ state: "failed", failure: { code: "launch_script_missing" } });
        expect(job.failure?.evidence).toContain("launch-cluster.sh does not exist");
        expect(await servers(its.lab)).toEqual([1, 0]);
      },
      LIMIT_MS,
    );

    test(
      "the port is taken by a foreign program: failed, named as such, nothing started",
      async () => {
        const program = 'Bun.serve({ port: 8888, fetch: () => new Response("no") })';
        const { stdout } = await its.lab.head.exec(
          `nohup ${process.execPath} -e '${program}' >/dev/null 2>&1 & echo $!`,
        );
        try {
          await until(
            "the foreign program listens",
            async () => (await fetch(its.lab.vllmUrl).catch(() => null)) !== null,
          );
          const job = await its.controller.swap("small");
          expect(job).toMatchObject({ state: "failed", failure: { code: "port_taken" } });
          expect(job.failure?.evidence).toContain("shows a listener on port 8888");
          expect(await leftovers(its.lab)).toEqual([]);
        } finally {
          await its.lab.head.exec(`kill ${stdout.trim()}`);
        }
      },
      LIMIT_MS,
    );

    test(
      "the launch ends with 0 and nothing runs: failed, with what was seen",
      async () => {
        await its.lab.behave({ models: { "acme/small": { fail: "exit0" } } });
        const job = await its.controller.swap("small");
        expect(job).toMatchObject({ state: "failed", failure: { code: "nothing_running" } });
        expect(job.failure?.evidence).toContain("docker top shows no vLLM");
        expect(await leftovers(its.lab)).toEqual([]);
      },
      LIMIT_MS,
    );
  });

inLab("new", (its) => {
  const failing = async (): Promise<SwapJob> => {
    const job = await its.controller.swap("small");
    expect(await leftovers(its.lab)).toEqual([]);
    return job;
  };

  test(
    "SSH refused: failed, with what the network said",
    async () => {
      await its.lab.head.rejectSsh();
      const job = await failing().finally(() => its.lab.head.allowSsh());
      expect(job).toMatchObject({ state: "failed", failure: { code: "ssh_network" } });
      expect(job.failure?.evidence).toMatch(/ECONNREFUSED|ECONNRESET/);
    },
    LIMIT_MS,
  );

  test(
    "key refused: failed, and what to do",
    async () => {
      const stranger = makeDataDir({ "topology.yaml": its.lab.topologyYaml, "models-overrides.yaml": MODELS });
      const controller = await Controller.start(stranger);
      try {
        const job = await controller.swap("small");
        expect(job).toMatchObject({ state: "failed", failure: { code: "ssh_key_refused" } });
        expect(job.failure?.evidence).toMatch(/authentication methods failed/);
        expect(job.failure?.advice).toContain("authorized_keys");
        expect(job.reason).toContain("Add the public key to ~/.ssh/authorized_keys");
        expect(await leftovers(its.lab)).toEqual([]);
      } finally {
        await controller.stop();
        stranger.remove();
      }
    },
    LIMIT_MS,
  );

  test(
    "host key changed: refused with both fingerprints, and what to do",
    async () => {
      await until("both host keys are pinned", async () =>
        (await its.controller.get<Status>("/api/status")).nodes.every(({ state }) => state === "reachable"),
      );
      await its.lab.head.newHostKey();
      await its.lab.head.reboot();
      await until(
        "the old connection is gone",
        async () => (await its.controller.get<Status>("/api/status")).nodes[0]?.state === "unreachable",
        30_000,
      );
      const job = await failing();
      expect(job).toMatchObject({ state: "failed", failure: { code: "ssh_host_key" } });
      expect(job.failure?.evidence).toMatch(/SHA256:/);
      expect(job.reason).toMatch(/SHA256:.*SHA256:/s);
      expect(job.reason).toContain("If you reinstalled it");
    },
    LIMIT_MS,
  );
});
