import { Type } from "@sinclair/typebox";
import { Elysia, t } from "elysia";
import type { ControlPlane } from "../../../../lib/control-plane.ts";
import { errors } from "../../../../lib/http/schemas.ts";

const Woken = Type.Object(
  {
    node: Type.String(),
    mac: Type.String({ description: "Hardware address in the packet" }),
    sent_to: Type.Array(Type.String(), { description: "Broadcast addresses" }),
  },
  { title: "Woken" },
);

export default ({ machines }: Pick<ControlPlane, "machines">) =>
  new Elysia().post("", ({ params: { node } }) => machines.wake(node), {
    params: t.Object({ node: t.String({ maxLength: 64 }) }),
    response: { 200: Woken, ...errors(404, 409, 502) },
    detail: {
      operationId: "wakeNode",
      summary: "Send a Spark the packet that wakes it (Wake-on-LAN)",
      description:
        "Works for a Spark in the same network whose firmware allows it. The answer says that the packet was sent, not that it helped: a Spark takes about a minute to start.",
      tags: ["Sparks"],
    },
  });
