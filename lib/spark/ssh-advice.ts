/** What to try when a Spark was not reached, did not answer, or refused. Pure. */
import type { Fence, SshError } from "../ssh/errors.ts";
import type { Node } from "../topology/topology.ts";

export function adviceOn(node: Node, reason: SshError["reason"]): string | null {
  switch (reason) {
    case "host_key":
      return `If you reinstalled ${node.name}: POST /api/host-keys/${node.name}/accept with the fingerprint that it shows now.`;
    case "key_refused":
      return `Add Spark Control's public key to ~/.ssh/authorized_keys of ${node.user} on ${node.name}. Settings shows the line.`;
    case "network":
      return `Check that ${node.name} is switched on and that its address is right. Settings checks it step by step.`;
    case "timeout":
      return `Log in to ${node.name} and look what holds it up: memory (free -h), the disk (df -h), docker (docker ps).`;
    case "unknown":
      return `Look whether ${node.name} was restarted (uptime) and whether its network holds, then try again.`;
    default:
      return null;
  }
}

export function adviceOnFence(node: Node, fence: Fence): string {
  return fence.by === "instance"
    ? `Stop the other one. If it is gone for good, take the Spark over: POST /api/nodes/${node.name}/take-over {"instance":"${fence.instance}"}.`
    : `Look at what was swapped there since. If that was not from here, another Spark Control runs with a copy of these data: stop it. Then swap again.`;
}
