import { Type } from "@sinclair/typebox";
import { Elysia, t } from "elysia";
import type { ControlPlane } from "../../../../lib/control-plane.ts";
import { errors } from "../../../../lib/http/schemas.ts";

const TakeOver = Type.Object(
  {
    instance: Type.String({
      pattern: "^[0-9a-fA-F-]{1,64}$",
      description: "The controller that the Spark belongs to now",
    }),
  },
  { title: "TakeOver", additionalProperties: false },
);
const TakenOver = Type.Object({ node: Type.String(), instance: Type.String() }, { title: "TakenOver" });

export default ({ takeOver, instance }: Pick<ControlPlane, "takeOver" | "instance">) =>
  new Elysia().post(
    "",
    async ({ params: { node }, body, request }) => {
      await takeOver(node, body.instance, request.signal);
      return { node, instance };
    },
    {
      params: t.Object({ node: t.String({ maxLength: 64 }) }),
      body: TakeOver,
      response: { 200: TakenOver, ...errors(404, 409, 422, 502, 504) },
      detail: {
        operationId: "takeOverNode",
        summary: "Take over a Spark that belongs to another Spark Control",
        description:
          "Names the one that it belongs to, as a refused swap shows it. The other one can then no longer launch there.",
        tags: ["SSH"],
      },
    },
  );
