/** A visit to one Spark for its checks: what is known of it, and how to ask it something. */
import type { ShellCommand } from "../ssh/quote.ts";
import type { ExecResult } from "../ssh/ssh.ts";
import type { Node } from "../topology/topology.ts";

export interface Visit {
  readonly node: Node;
  /** Image that the launch script starts. */
  readonly image: string;
  /** Name of the first Spark, which runs the launch script; for itself too. */
  readonly head: string;
  /** IPv4 address that the Sparks use for each other. */
  readonly address: string;
  /** @throws SshError */
  exec(command: ShellCommand, deadlineMs?: number): Promise<ExecResult>;
}

export const isHead = (visit: Visit): boolean => visit.node.name === visit.head;
