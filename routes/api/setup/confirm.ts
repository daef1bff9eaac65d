import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { ControlPlane } from "../../../lib/control-plane.ts";
import { Fingerprint } from "../../../lib/host-keys.ts";
import { errors } from "../../../lib/http/schemas.ts";

const Confirmation = Type.Object(
  {
    host: Type.String({ maxLength: 253 }),
    ssh_port: Type.Integer({ minimum: 1, maximum: 65_535 }),
    fingerprint: Fingerprint,
  },
  { title: "SetupConfirmation", additionalProperties: false },
);
const Confirmed = Type.Object(
  { host: Type.String(), ssh_port: Type.Integer(), fingerprint: Type.String(), type: Type.String() },
  { title: "SetupConfirmed" },
);

export default ({ setup, log }: Pick<ControlPlane, "setup" | "log">) =>
  new Elysia().post(
    "",
    ({ body: { host, ssh_port, fingerprint } }) => {
      const { type } = setup.confirm(host, ssh_port, fingerprint);
      log.warn("a host key was confirmed", { host, ssh_port, fingerprint });
      return { host, ssh_port, fingerprint, type };
    },
    {
      body: Confirmation,
      response: { 200: Confirmed, ...errors(409, 422) },
      detail: {
        operationId: "confirmHostKey",
        summary: "Trust the host key that a Spark showed in a check",
        description:
          "Compare the fingerprint on the Spark first. 409 when it did not show a key with this fingerprint.",
        tags: ["Set-up"],
      },
    },
  );
