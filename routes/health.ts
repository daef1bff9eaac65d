import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { ControlPlane } from "../lib/control-plane.ts";

const Health = Type.Object(
  {
    status: Type.Literal("ok"),
    version: Type.String(),
    started_at: Type.String({ format: "date-time" }),
    simulated: Type.Boolean({ description: "True when the cluster behind it is the simulated one" }),
  },
  { title: "Health" },
);

/** Says that the controller itself runs; the Sparks' state is `/api/status`. */
export default ({ version, startedAt, simulated }: Pick<ControlPlane, "version" | "startedAt" | "simulated">) =>
  new Elysia().get("", () => ({ status: "ok" as const, version, started_at: startedAt, simulated }), {
    response: { 200: Health },
    detail: { operationId: "getHealth", summary: "Whether the controller runs", tags: ["Controller"] },
  });
