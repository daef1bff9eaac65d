import { Elysia, t } from "elysia";
import type { ControlPlane } from "../../../../lib/control-plane.ts";
import { errors } from "../../../../lib/http/schemas.ts";
import { SwapJobSchema } from "../../../../lib/swap/swap.ts";
import { Reserved, SwapRunning, TokenHeader, TokenQuery, tokenOf } from "../_shapes.ts";

const params = t.Object({ id: t.String({ maxLength: 64, description: "`job_id` of the swap" }) });
const tags = ["Swap"];

export default ({ swaps }: Pick<ControlPlane, "swaps">) =>
  new Elysia()
    .get("", ({ params: { id } }) => swaps.get(id), {
      params,
      response: { 200: SwapJobSchema, ...errors(404) },
      detail: { operationId: "getSwap", summary: "One swap", tags },
    })
    .delete(
      "",
      ({ params: { id }, set, headers, query }) => {
        set.status = 202;
        return swaps.cancel(id, tokenOf(headers["x-swap-lock-token"], query.token));
      },
      {
        params,
        query: t.Object(TokenQuery),
        headers: TokenHeader,
        response: { 202: SwapJobSchema, 409: SwapRunning, 423: Reserved, ...errors(404) },
        detail: {
          operationId: "cancelSwap",
          summary: "Cancel a swap",
          description:
            "What was started is stopped and, if the swap asked for it, the previous model is loaded again. A repeated cancel changes nothing; one while the previous model is loading again leaves the slot empty. While the slot is reserved a cancel needs the token, whoever began the swap.",
          tags,
        },
      },
    );
