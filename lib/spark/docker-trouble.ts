/** When `docker` on a Spark cannot be used at all, and what to do then. */
import { Fault } from "../fault.ts";
import type { Node } from "../topology/topology.ts";

export const DAEMON_DOWN = /cannot connect to the docker daemon|is the docker daemon running/i;

/** `docker` itself is missing, forbidden or without its daemon; the answer tells nothing about containers and images. */
export function isUnusable(exitCode: number, said: string): boolean {
  return exitCode === 127 || (exitCode !== 0 && (/permission denied/i.test(said) || DAEMON_DOWN.test(said)));
}

export function dockerUnusable(node: Node, said: string): Fault {
  return new Fault("upstream", "docker_unusable", `${node.name}: docker cannot be used by ${node.user}.`, {
    node: node.name,
    evidence: said.trim().slice(0, 300),
    advice: DAEMON_DOWN.test(said)
      ? "Start docker there: sudo systemctl start docker."
      : `Install docker there, and add the user to its group: sudo usermod -aG docker ${node.user}, then log in anew.`,
  });
}
