import { Elysia } from "elysia";
import type { ControlPlane } from "../../../../lib/control-plane.ts";
import { inItsTime } from "../../../../lib/http/idle-time.ts";
import { errors } from "../../../../lib/http/schemas.ts";
import { DeepCheckSchema } from "../../../../lib/service/service.ts";
import { Name } from "../_shapes.ts";

export default ({ deepChecks }: Pick<ControlPlane, "deepChecks">) =>
  new Elysia().post(
    "",
    ({ params: { name }, request, server }) => inItsTime(server, request, () => deepChecks.run(name)),
    {
      params: Name,
      response: { 200: DeepCheckSchema, ...errors(404) },
      detail: {
        operationId: "deepCheckService",
        summary: "Let a service do a little of its real work",
        description:
          "A chat of one token, a second of silence to transcribe, “hi” to speak, one embedding, one ranking, the list of collections. Up to a minute. Whoever asks meanwhile gets the same check.",
        tags: ["Services"],
      },
    },
  );
