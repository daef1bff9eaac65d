import { Type } from "@sinclair/typebox";
import { Elysia, t } from "elysia";
import type { ControlPlane } from "../../../../lib/control-plane.ts";
import { errors } from "../../../../lib/http/schemas.ts";

const Verdict = Type.Object(
  {
    valid: Type.Boolean(),
    message: Type.Union([Type.String(), Type.Null()], { description: "What vLLM says against the arguments" }),
  },
  { title: "PreflightVerdict" },
);

export default ({ swaps }: Pick<ControlPlane, "swaps">) =>
  new Elysia().post("", ({ params: { id }, query, request }) => swaps.validate(id, query.slot, request.signal), {
    params: t.Object({ id: t.String({ maxLength: 64, description: "Key of the model in the catalog" }) }),
    query: t.Object({ slot: t.Optional(t.String({ maxLength: 64 })) }),
    response: { 200: Verdict, ...errors(404, 422, 502, 503, 504) },
    detail: {
      operationId: "validateModel",
      summary: "Pre-flight: are the vLLM arguments of this model valid",
      description: "Asks vLLM's own parser inside the container image on the head Spark. Loads nothing.",
      tags: ["Swap"],
    },
  });
