/** Containers of services on a Spark, through `docker` as the SSH user: what they are, what is done to them, what they log. */
import { Fault } from "../fault.ts";
import { command } from "../ssh/quote.ts";
import type { Node } from "../topology/topology.ts";
import { dockerUnusable, isUnusable } from "./docker-trouble.ts";
import type { SparkSsh } from "./spark-ssh.ts";

/** `docker stop` waits 10 s for a process that ignores TERM, a restart as well. */
const GRACE_SECONDS = 10;
const ACTION_DEADLINE_MS = 60_000;
const LOG_DEADLINE_MS = 30_000;
/** More is read in the container's own log file on the Spark. */
export const MOST_LOG_LINES = 10_000;
const MOST_LOG_BYTES = 16 << 20;

export type ContainerAction = "start" | "stop" | "restart";

export interface ContainerFacts {
  readonly name: string;
  /** Docker's word: created, running, paused, restarting, removing, exited, dead. */
  readonly status: string;
  readonly running: boolean;
  readonly image: string;
  /** ISO 8601 UTC as docker writes it; null when it was never started. */
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly exitCode: number | null;
  readonly outOfMemory: boolean;
  /** Of the image's own HEALTHCHECK: starting, healthy, unhealthy; null without one. */
  readonly health: string | null;
}

/**
 * All of them in one round trip. A name that is not in the answer is no container there.
 * @throws Fault when the node or its docker cannot be asked
 */
export async function inspectContainers(
  ssh: SparkSsh,
  node: Node,
  names: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ContainerFacts>> {
  // One command for each: podman's inspect of several ends at the first that is not there.
  const asked = names.map((name) => command(["docker", "inspect", "--type", "container", name]));
  const answers = asked.length === 0 ? [] : await ssh.batch(node, asked, signal);
  const found = new Map<string, ContainerFacts>();
  for (const { output, exitCode } of answers) {
    if (exitCode !== 0 && !/no such (?:container|object)/i.test(output)) throw dockerUnusable(node, output);
    for (const facts of readContainers(output)) found.set(facts.name, facts);
  }
  return found;
}

/** From the output of `docker inspect`, errors between or behind the array left out. Pure; odd entries are skipped. */
export function readContainers(output: string): ContainerFacts[] {
  const from = output.search(/^\[/m);
  const to = output.lastIndexOf("\n]");
  const text = from < 0 ? "" : to < from ? (/^\[\]/m.exec(output)?.[0] ?? "") : output.slice(from, to + 2);
  try {
    const entries: unknown = JSON.parse(text);
    return Array.isArray(entries) ? entries.flatMap((entry) => factsOf(entry) ?? []) : [];
  } catch {
    return [];
  }
}

type Loose = Readonly<Record<string, unknown>>;
const objectOf = (value: unknown): Loose => (value !== null && typeof value === "object" ? (value as Loose) : {});
const textOf = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);
/** Docker writes the year 1 for what has not happened. */
const timeOf = (value: unknown): string | null => {
  const text = textOf(value);
  return text === null || text.startsWith("0001-") || Number.isNaN(Date.parse(text)) ? null : text;
};

function factsOf(value: unknown): ContainerFacts | null {
  const entry = objectOf(value);
  const name = textOf(entry.Name)?.replace(/^\//, "");
  if (name === undefined) return null;
  const state = objectOf(entry.State);
  const running = state.Running === true;
  return {
    name,
    status: textOf(state.Status) ?? (running ? "running" : "exited"),
    running,
    image: textOf(objectOf(entry.Config).Image) ?? textOf(entry.ImageName) ?? "",
    startedAt: timeOf(state.StartedAt),
    finishedAt: timeOf(state.FinishedAt),
    exitCode: typeof state.ExitCode === "number" ? state.ExitCode : null,
    outOfMemory: state.OOMKilled === true,
    health: textOf(objectOf(state.Health).Status),
  };
}

/** Says it to docker and waits for its answer; what came of it is for a look to tell. @throws Fault what docker said */
export async function actOnContainer(
  ssh: SparkSsh,
  node: Node,
  action: ContainerAction,
  container: string,
  signal: AbortSignal,
): Promise<void> {
  const grace = action === "start" ? [] : ["-t", String(GRACE_SECONDS)];
  const said = command(["docker", action, ...grace, container]);
  const { exitCode, stderr, stdout } = await ssh.exec(node, said, signal, ACTION_DEADLINE_MS);
  if (exitCode === 0) return;
  const why = (stderr || stdout).trim();
  if (isUnusable(exitCode, why)) throw dockerUnusable(node, why);
  if (/no such (?:container|object)/i.test(why)) throw noContainer(node, container);
  throw new Fault("upstream", "docker_failed", `docker ${action} ${container} failed on ${node.name}.`, {
    node: node.name,
    evidence: why.slice(-400),
  });
}

export function noContainer(node: Pick<Node, "name">, container: string): Fault {
  return new Fault("conflict", "no_container", `There is no container named ${container} on ${node.name}.`, {
    node: node.name,
    advice: `Create it there once, such as with docker compose; from then on it is started and stopped from here.`,
  });
}

/**
 * The last lines of a container's log, each with docker's own time in front, stdout and stderr.
 * @param since only lines of that time or later, as docker wrote it
 * @throws Fault 409 `no_container`, or what docker said
 */
export async function containerLog(
  ssh: SparkSsh,
  node: Node,
  container: string,
  { tail, since }: { readonly tail: number; readonly since?: string | undefined },
  signal: AbortSignal,
): Promise<string> {
  const lines = String(Math.max(1, Math.min(tail, MOST_LOG_LINES)));
  const from = since === undefined ? [] : ["--since", since];
  const asked = command(["docker", "logs", "--timestamps", "--tail", lines, ...from, container]);
  const { exitCode, stdout, stderr } = await ssh.exec(node, asked, signal, LOG_DEADLINE_MS, MOST_LOG_BYTES);
  if (exitCode === 0)
    return stderr === "" ? stdout : `${stdout}${stdout.endsWith("\n") || stdout === "" ? "" : "\n"}${stderr}`;
  if (isUnusable(exitCode, stderr)) throw dockerUnusable(node, stderr);
  if (/no such (?:container|object)/i.test(stderr)) throw noContainer(node, container);
  throw new Fault("upstream", "docker_failed", `The log of ${container} could not be read on ${node.name}.`, {
    node: node.name,
    evidence: stderr.trim().slice(-400),
  });
}
