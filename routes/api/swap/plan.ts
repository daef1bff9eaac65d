import { Elysia } from "elysia";
import type { ControlPlane } from "../../../lib/control-plane.ts";
import { errors } from "../../../lib/http/schemas.ts";
import { PlanSchema } from "../../../lib/swap/swap.ts";
import { SwapChoice } from "./_shapes.ts";

export default ({ swaps }: Pick<ControlPlane, "swaps">) =>
  new Elysia().post(
    "",
    ({ body: { drain_on_timeout: onDrainTimeout, ...same }, request }) =>
      swaps.plan({ ...same, onDrainTimeout }, request.signal),
    {
      body: SwapChoice,
      response: { 200: PlanSchema, ...errors(404, 422, 502, 503) },
      detail: {
        operationId: "planSwap",
        summary: "What a swap would do: what stops, what starts, does it fit, how long",
        description: "Looks at the Sparks, touches nothing.",
        tags: ["Swap"],
      },
    },
  );
