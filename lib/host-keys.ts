/** The pinned host keys by the names of the nodes: shown, and a changed one accepted by a person. */
import { type Static, Type } from "@sinclair/typebox";
import type { ControlPlane } from "./control-plane.ts";
import { Fault } from "./fault.ts";
import { usableNode } from "./topology/topology.ts";

export const Fingerprint = Type.String({
  pattern: "^SHA256:[A-Za-z0-9+/]{43}$",
  description: "`SHA256:…`, as ssh-keygen -l prints it",
});

export const HostKeySchema = Type.Object(
  {
    node: Type.String(),
    /** Null: not connected to yet; the first key that it shows is pinned. */
    fingerprint: Type.Union([Type.String(), Type.Null()]),
    type: Type.Union([Type.String(), Type.Null()]),
    pinned_at: Type.Union([Type.String(), Type.Null()]),
    refused_fingerprint: Type.Union([Type.String(), Type.Null()], {
      description: "Another key that the node showed since and that was refused",
    }),
  },
  { title: "HostKey" },
);
export type HostKeyStatus = Static<typeof HostKeySchema>;
export const HostKeyAcceptance = Type.Object(
  { fingerprint: Fingerprint },
  { title: "HostKeyAcceptance", additionalProperties: false },
);

type Plane = Pick<ControlPlane, "config" | "hostKeys">;

export function hostKeysOf({ config, hostKeys }: Plane): HostKeyStatus[] {
  const known = hostKeys.list();
  return config.current.topology.nodes.flatMap((node) => {
    if (node.status !== "configured") return [];
    const key = known.find((each) => each.host === node.host.toLowerCase() && each.port === node.ssh_port);
    return [
      {
        node: node.name,
        fingerprint: key?.fingerprint ?? null,
        type: key?.type ?? null,
        pinned_at: key?.pinned_at ?? null,
        refused_fingerprint: key?.refused_fingerprint ?? null,
      },
    ];
  });
}

/**
 * Pins the key that was refused, if it is the one that the person has seen.
 * @throws Fault 404 unknown node, 409 no key was refused, or another one than this
 */
export function acceptHostKey(plane: Plane, name: string, fingerprint: string): HostKeyStatus {
  const node = usableNode(plane.config.current.topology, name);
  if (!node) throw new Fault("not_found", "unknown_node", "There is no configured Spark with this name.");
  const before = hostKeysOf(plane).find((each) => each.node === name);
  if (before?.refused_fingerprint !== fingerprint)
    throw new Fault("conflict", "other_host_key", "The Spark did not show a key with this fingerprint.", {
      refused_fingerprint: before?.refused_fingerprint ?? null,
    });
  plane.hostKeys.accept(node.host, node.ssh_port);
  return { ...before, ...hostKeysOf(plane).find((each) => each.node === name) };
}
