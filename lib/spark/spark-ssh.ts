/** SSH to one node, with its errors as Faults that name the node. */
import { randomBytes } from "node:crypto";
import { Fault } from "../fault.ts";
import { FencedError, SshError } from "../ssh/errors.ts";
import { type BatchAnswer, batch, parseBatch, type ShellCommand } from "../ssh/quote.ts";
import type { ExecResult, Ssh, SshTarget } from "../ssh/ssh.ts";
import type { Node } from "../topology/topology.ts";
import { adviceOn, adviceOnFence } from "./ssh-advice.ts";

export function targetOf(node: Node): SshTarget {
  return { host: node.host, port: node.ssh_port, user: node.user };
}

/** Runs `work`; what SSH throws names the node, and brings as evidence what the library or the node said. */
export async function onNode<T>(node: Node, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof FencedError)
      throw new Fault(
        "conflict",
        "fenced",
        `${node.name}: ${error.message}`,
        {
          node: node.name,
          evidence: `fenced ${Object.values(error.fence).join(" ")}`,
          advice: adviceOnFence(node, error.fence),
        },
        { cause: error },
      );
    if (!(error instanceof SshError) || error.aborted) throw error;
    const evidence = error.cause instanceof Error ? error.cause.message : error.message;
    throw new Fault(
      error.kind,
      error.code,
      `${node.name}: ${error.message}`,
      { ...error.members, node: node.name, evidence, advice: adviceOn(node, error.reason) },
      { cause: error },
    );
  }
}

export class SparkSsh {
  constructor(
    private readonly ssh: Ssh,
    private readonly deadlineMs: number,
  ) {}

  /** @param maxBytes of stdout and stderr each; 1 MiB when left out */
  exec(
    node: Node,
    command: ShellCommand,
    signal: AbortSignal,
    deadlineMs = this.deadlineMs,
    maxBytes?: number,
  ): Promise<ExecResult> {
    const bound = maxBytes === undefined ? {} : { maxBytes };
    return onNode(node, () => this.ssh.exec(targetOf(node), command, { deadlineMs, signal, ...bound }));
  }

  /** Several commands in one round trip. @throws Fault when the answer is incomplete */
  async batch(
    node: Node,
    commands: readonly ShellCommand[],
    signal: AbortSignal,
    deadlineMs = this.deadlineMs,
  ): Promise<BatchAnswer[]> {
    const nonce = randomBytes(12).toString("hex");
    const result = await this.exec(node, batch(commands, nonce), signal, deadlineMs);
    const answers = parseBatch(result.stdout, nonce);
    if (answers.length !== commands.length)
      throw new Fault("upstream", "ssh_unknown", `${node.name} gave an incomplete answer.`, {
        node: node.name,
        evidence: (result.stderr || result.stdout).slice(-300),
        advice: adviceOn(node, "unknown"),
      });
    return answers;
  }

  /** The same, for questions of which each may stay open: what did not come because the output was cut off is missing at the end. */
  async answers(
    node: Node,
    commands: readonly ShellCommand[],
    signal: AbortSignal,
    deadlineMs = this.deadlineMs,
  ): Promise<BatchAnswer[]> {
    const nonce = randomBytes(12).toString("hex");
    return parseBatch((await this.exec(node, batch(commands, nonce), signal, deadlineMs)).stdout, nonce);
  }

  peerAddress(node: Node, signal: AbortSignal): Promise<string> {
    return onNode(node, () => this.ssh.peerAddress(targetOf(node), { deadlineMs: this.deadlineMs, signal }));
  }
}
