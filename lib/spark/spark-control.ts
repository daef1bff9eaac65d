/** The Sparks as the swap engine needs them, over SSH and HTTP. */
import { isIPv4 } from "node:net";
import { Fault } from "../fault.ts";
import type { FencedStop, NodeFence } from "../ssh/fence.ts";
import type { DetachedJobs } from "../ssh/jobs.ts";
import { command, path, type ShellCommand } from "../ssh/quote.ts";
import { LOG_KEEPER } from "../ssh/remote-scripts.ts";
import type { ExecResult, SshTarget } from "../ssh/ssh.ts";
import type { JobOrder, NodeView, SparkControl, Stranger } from "../swap/cluster.ts";
import type { Node } from "../topology/topology.ts";
import { dockerUnusable, isUnusable } from "./docker-trouble.ts";
import { ask } from "./http.ts";
import { PREFLIGHT, preflightComplaint } from "./preflight.ts";
import { onNode, type SparkSsh, targetOf } from "./spark-ssh.ts";
import { isListening, readContainer, readFreeDisk, readMemory, readVllmProcesses } from "./views.ts";
import { readContainerId, readContainerNames, readVllmServers, sameContainer } from "./vllm-servers.ts";

const PREFLIGHT_DEADLINE_MS = 120_000;
const LAUNCH_SCRIPT = "launch-cluster.sh";
/** Exit codes of `docker exec`/`docker run` themselves (docs.docker.com, "Exit status"): not the program's. */
const DOCKER_FAILED = new Set([125, 126, 127]);
/** Characters of a container's id that `docker ps` shows. */
const ID_LENGTH = 12;
/** Jobs beside the launches: what keeps a log, and the update of a bot with the same login. */
const NO_LAUNCH = /-(?:log|update|download)$/;
/** No job is ever called so: a kill of it passes the node's fence and does nothing else. */
const NO_JOB = "none";

interface Call {
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

export interface Fences {
  read(target: SshTarget, call: Call): Promise<NodeFence>;
  stop(target: SshTarget, stop: FencedStop, call: Call): Promise<ExecResult>;
}

export interface SparkControlOptions {
  readonly ssh: SparkSsh;
  readonly jobs: DetachedJobs;
  readonly fences: Fences;
  /** This controller's instance id, for fencing. */
  readonly instance: string;
  readonly deadlineMs: number;
  readonly stopGraceSeconds: number;
  /** Milliseconds since the epoch. */
  now(): number;
}

export function createSparkControl(options: SparkControlOptions): SparkControl {
  const { ssh, jobs, deadlineMs } = options;
  const limits = (signal: AbortSignal) => ({ deadlineMs, signal });
  const succeeds = async (node: Node, one: ShellCommand, signal: AbortSignal) =>
    (await ssh.exec(node, one, signal)).exitCode === 0;

  const startJob = async (node: Node, order: JobOrder, signal: AbortSignal) => {
    const { id, generation, argv, env, cwd } = order;
    await onNode(node, () =>
      jobs.start(targetOf(node), { id, generation, instance: options.instance, argv, env, cwd }, limits(signal)),
    );
  };

  const killJob = (node: Node, id: string, generation: number, signal: AbortSignal) => {
    const fence = { generation, instance: options.instance };
    return onNode(node, () => jobs.kill(targetOf(node), id, { ...limits(signal), fence }));
  };

  return {
    address: async (node, signal) =>
      node.address ?? (isIPv4(node.host) ? node.host : await ssh.peerAddress(node, signal)),
    look: (node, place, signal) => look(options, node, place, signal),

    async stopContainer(node, container, generation, signal) {
      const { instance, stopGraceSeconds: graceSeconds } = options;
      const call = { deadlineMs: deadlineMs + graceSeconds * 1000, signal };
      const stop = { generation, instance, container, graceSeconds };
      const { exitCode, stderr } = await onNode(node, () => options.fences.stop(targetOf(node), stop, call));
      // 1 with "No such container" is the aim reached. Whether it is gone is judged by a look, not by this answer.
      if (isUnusable(exitCode, stderr)) throw dockerUnusable(node, stderr);
    },
    async runningLaunches(node, signal) {
      const known = await onNode(node, () => jobs.list(targetOf(node), limits(signal)));
      return known.filter(({ id, state }) => state === "running" && !NO_LAUNCH.test(id)).map(({ id }) => id);
    },

    async launchedWith(node, id, signal) {
      const file = path(`~/.spark-control/jobs/${id}/command`);
      const { exitCode, stdout } = await ssh.exec(node, command(["cat", file]), signal);
      return exitCode === 0 ? stdout.split("\n") : null;
    },

    async launchScript(node, signal) {
      const { exitCode, stdout } = await ssh.exec(
        node,
        command(["cat", path(`${node.launch_dir}/${LAUNCH_SCRIPT}`)]),
        signal,
      );
      return exitCode === 0 ? stdout : null;
    },
    async hasImage(node, image, signal) {
      const inspect = command(["docker", "image", "inspect", "--format", "{{.Id}}", image]);
      const { exitCode, stderr } = await ssh.exec(node, inspect, signal);
      if (isUnusable(exitCode, stderr)) throw dockerUnusable(node, stderr);
      return exitCode === 0;
    },
    hasFolder: (node, folder, signal) => succeeds(node, command(["test", "-d", path(folder)]), signal),
    freeDiskKib: async (node, signal) =>
      readFreeDisk((await ssh.exec(node, command(["df", "-Pk", path("~")]), signal)).stdout),

    async fence(node, signal) {
      const { instance, generation } = await onNode(node, () => options.fences.read(targetOf(node), limits(signal)));
      return { foreign: instance === options.instance ? null : instance, generation };
    },
    startJob,
    keepLog: (node, id, generation, container, signal) => {
      const argv = ["sh", "-c", LOG_KEEPER, "spark-log-keeper", container] as const;
      return startJob(node, { id, generation, argv, env: {}, cwd: "~" }, signal);
    },
    readJob: (node, id, offset, maxBytes, signal) =>
      onNode(node, () => jobs.read(targetOf(node), id, { offset, maxBytes, ...limits(signal) })),
    killJob,
    passFence: (node, generation, signal) => killJob(node, NO_JOB, generation, signal),

    async checkArguments(node, container, image, serveArguments, signal) {
      const python = ["-c", PREFLIGHT, ...serveArguments];
      const inspected = await ssh.exec(node, command(["docker", "inspect", "--type", "container", container]), signal);
      const there = inspected.exitCode === 0 ? readContainer(inspected.stdout) : null;
      // The running container is quicker, but another image holds another vLLM.
      const check = command(
        there?.running && there.image === image
          ? ["docker", "exec", container, "python3", ...python]
          : ["docker", "run", "--rm", "--network", "none", "--entrypoint", "python3", image, ...python],
      );
      const { exitCode, stdout, stderr } = await ssh.exec(node, check, signal, PREFLIGHT_DEADLINE_MS);
      if (exitCode === 0) return null;
      const said = `${stdout}\n${stderr}`;
      if (DOCKER_FAILED.has(exitCode))
        throw new Fault("upstream", "preflight_failed", `The check could not be run on ${node.name}.`, {
          node: node.name,
          evidence: preflightComplaint(said),
        });
      return preflightComplaint(said);
    },

    get: (url, deadline, signal) => ask(url, { method: "GET" }, deadline, signal),
    post: (url, body, deadline, signal) =>
      ask(
        url,
        { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) },
        deadline,
        signal,
      ),
  };
}

async function look(
  options: SparkControlOptions,
  node: Node,
  place: { readonly container: string; readonly port: number },
  signal: AbortSignal,
): Promise<NodeView> {
  const asked = options.now();
  const [boot, date, meminfo, sockets, inspected, top, processes] = await options.ssh.batch(
    node,
    [
      command(["cat", "/proc/sys/kernel/random/boot_id"]),
      command(["date", "+%s"]),
      command(["cat", "/proc/meminfo"]),
      command(["cat", "/proc/net/tcp", "/proc/net/tcp6"]),
      command(["docker", "inspect", "--type", "container", place.container]),
      command(["docker", "top", place.container]),
      command(["ps", "-e", "--cols", "4096", "-o", "pid,ppid,args"]),
    ],
    signal,
  );
  // Only "No such container" means that there is none. Any other failure leaves open what runs.
  if (inspected?.exitCode !== 0 && !/no such (?:container|object)/i.test(inspected?.output ?? ""))
    throw dockerUnusable(node, inspected?.output ?? "");
  const memory = readMemory(meminfo?.output ?? "");
  if (!memory)
    throw new Fault("upstream", "unreadable", `${node.name} did not tell its memory.`, {
      node: node.name,
      evidence: meminfo?.output.slice(0, 200),
    });
  const midway = (asked + options.now()) / 2;
  const isThere = inspected?.exitCode === 0;
  const vllm = top?.exitCode === 0 ? readVllmProcesses(top.output) : [];
  const own = { name: place.container, id: isThere ? readContainerId(inspected.output) : null, vllm };
  return {
    bootId: boot?.output.trim() ?? "",
    clockSkewSeconds: Number(date?.output.trim()) - midway / 1000,
    memory,
    portOpen: isListening(sockets?.output ?? "", place.port),
    container: isThere ? readContainer(inspected.output) : null,
    vllm,
    strangers: processes?.exitCode === 0 ? await strangersIn(options, node, own, processes.output, signal) : [],
  };
}

interface LookedAt {
  readonly name: string;
  readonly id: string | null;
  readonly vllm: readonly string[];
}

/** Docker's process table tells ids only: their names are asked for when there is a stranger, which is seldom. */
async function strangersIn(
  { ssh }: SparkControlOptions,
  node: Node,
  own: LookedAt,
  processes: string,
  signal: AbortSignal,
): Promise<Stranger[]> {
  const others = readVllmServers(processes).filter(({ container, commandLine }) =>
    container === null
      ? !own.vllm.includes(commandLine)
      : container.name !== own.name && (own.id === null || !sameContainer(container.id, own.id)),
  );
  const listed = others.some(({ container }) => container?.name === null)
    ? await ssh.exec(node, command(["docker", "ps", "--format", "json"]), signal)
    : null;
  const names = listed?.exitCode === 0 ? readContainerNames(listed.stdout) : null;
  return others.flatMap(({ container, ...server }): Stranger[] => {
    if (container === null) return [{ ...server, container: null }];
    const id = container.id.slice(0, ID_LENGTH);
    const name = container.name ?? (names ? names.get(id) : id);
    // Not listed any more: it has ended meanwhile. Of the slot's name: started after the slot's container was asked for.
    return name === undefined || name === own.name ? [] : [{ ...server, container: name }];
  });
}
