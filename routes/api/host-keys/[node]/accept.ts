import { Elysia, t } from "elysia";
import type { ControlPlane } from "../../../../lib/control-plane.ts";
import { acceptHostKey, HostKeyAcceptance, HostKeySchema } from "../../../../lib/host-keys.ts";
import { errors } from "../../../../lib/http/schemas.ts";

export default (plane: Pick<ControlPlane, "config" | "hostKeys">) =>
  new Elysia().post("", ({ params: { node }, body }) => acceptHostKey(plane, node, body.fingerprint), {
    params: t.Object({ node: t.String({ maxLength: 64 }) }),
    body: HostKeyAcceptance,
    response: { 200: HostKeySchema, ...errors(404, 409, 422) },
    detail: {
      operationId: "acceptHostKey",
      summary: "Accept the changed host key of a Spark that was reinstalled",
      description: "The fingerprint must be the refused one of `GET /api/host-keys`: compare it on the Spark first.",
      tags: ["SSH"],
    },
  });
