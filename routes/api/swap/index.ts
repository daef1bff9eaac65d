import { Type } from "@sinclair/typebox";
import { Elysia, t } from "elysia";
import type { ControlPlane } from "../../../lib/control-plane.ts";
import { errors } from "../../../lib/http/schemas.ts";
import { PlanSchema, SwapJobSchema } from "../../../lib/swap/swap.ts";
import { callerOf } from "./_caller.ts";
import { Reserved, SwapOrderBody, SwapRunning, TokenHeader, TokenQuery, tokenOf } from "./_shapes.ts";

const tags = ["Swap"];
const History = Type.Object({ swaps: Type.Array(SwapJobSchema) }, { title: "SwapHistory" });
const DryRun = Type.Object({ dry_run: Type.Literal(true), plan: PlanSchema }, { title: "SwapDryRun" });

export default ({ swaps }: Pick<ControlPlane, "swaps">) =>
  new Elysia()
    .get("", ({ query }) => ({ swaps: swaps.list(query.limit) }), {
      query: t.Object({ limit: t.Optional(t.Numeric({ minimum: 1, maximum: 200, description: "Default 50" })) }),
      response: { 200: History },
      detail: { operationId: "listSwaps", summary: "Swaps, newest first", tags },
    })
    .post(
      "",
      async ({ body, request, set, headers, query }) => {
        const { model, slot, rollback, drain_on_timeout: onDrainTimeout } = body;
        const token = tokenOf(body.lock_token, body.token, headers["x-swap-lock-token"], query.token);
        if (body.dry_run) {
          set.status = 200;
          return {
            dry_run: true as const,
            plan: await swaps.plan({ model, slot, rollback, onDrainTimeout, token }, request.signal),
          };
        }
        set.status = 202;
        return swaps.start({ model, slot, rollback, onDrainTimeout, token, requestedBy: callerOf(request) });
      },
      {
        body: SwapOrderBody,
        query: t.Object(TokenQuery),
        headers: TokenHeader,
        response: { 200: DryRun, 202: SwapJobSchema, 409: SwapRunning, 423: Reserved, ...errors(404, 422, 502, 503) },
        detail: {
          operationId: "startSwap",
          summary: "Swap to a model",
          description: "Answers at once; follow the swap by `GET /api/swap/{id}` or its stream.",
          tags,
        },
      },
    );
