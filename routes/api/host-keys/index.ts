import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { ControlPlane } from "../../../lib/control-plane.ts";
import { HostKeySchema, hostKeysOf } from "../../../lib/host-keys.ts";

const HostKeys = Type.Object({ host_keys: Type.Array(HostKeySchema) }, { title: "HostKeys" });

export default (plane: Pick<ControlPlane, "config" | "hostKeys">) =>
  new Elysia().get("", () => ({ host_keys: hostKeysOf(plane) }), {
    response: { 200: HostKeys },
    detail: { operationId: "listHostKeys", summary: "The Sparks' pinned SSH host keys", tags: ["SSH"] },
  });
