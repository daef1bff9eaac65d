import { Elysia, t } from "elysia";
import type { ControlPlane } from "../../../../lib/control-plane.ts";
import { errors } from "../../../../lib/http/schemas.ts";
import { OneOf } from "../../../../lib/schema.ts";
import { DRAIN_ANSWERS } from "../../../../lib/swap/drain-desk.ts";
import { SwapJobSchema } from "../../../../lib/swap/swap.ts";
import { Reserved, SwapRunning, TokenHeader, TokenQuery, tokenOf } from "../_shapes.ts";

/** What to do with requests that a swap waits for. */
export default ({ swaps }: Pick<ControlPlane, "swaps">) =>
  new Elysia().post(
    "",
    ({ params: { id }, body, set, headers, query }) => {
      set.status = 202;
      return swaps.answerDrain(id, body.answer, tokenOf(headers["x-swap-lock-token"], query.token));
    },
    {
      params: t.Object({ id: t.String({ maxLength: 64, description: "`job_id` of the swap" }) }),
      body: t.Object(
        {
          answer: OneOf(DRAIN_ANSWERS, {
            description: "keep_waiting: as long again, then it asks again. cut_off: the swap goes on without them",
          }),
        },
        { title: "DrainAnswer", additionalProperties: false },
      ),
      query: t.Object(TokenQuery),
      headers: TokenHeader,
      response: { 202: SwapJobSchema, 409: SwapRunning, 423: Reserved, ...errors(404, 422) },
      detail: {
        operationId: "answerDrain",
        summary: "Wait on for requests in flight, or cut them off",
        description:
          "While a swap is `draining`, `drain` of the swap says how many requests remain and whether it asks. Answered at any time of the wait. To give the swap up instead, cancel it. While the slot is reserved an answer needs the token.",
        tags: ["Swap"],
      },
    },
  );
