/** The route of one action: the three differ in their words only. */
import { Elysia, t } from "elysia";
import type { ControlPlane } from "../../../lib/control-plane.ts";
import { inItsTime } from "../../../lib/http/idle-time.ts";
import { errors } from "../../../lib/http/schemas.ts";
import type { ServiceAction } from "../../../lib/service/service.ts";
import { callerOf } from "../swap/_caller.ts";
import { Reserved, SwapRunning, TokenHeader, TokenQuery, tokenOf } from "../swap/_shapes.ts";
import { ActionAnswer, ActionBody, Name } from "./_shapes.ts";

interface Words {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
}

export const actionRoute =
  (action: ServiceAction, words: Words) =>
  ({ serviceActions }: Pick<ControlPlane, "serviceActions">) =>
    new Elysia().post(
      "",
      async ({ params: { name }, body, headers, query, request, server, set }) => {
        const token = tokenOf(body?.token, body?.lock_token, headers["x-swap-lock-token"], query.token);
        const order = { action, by: callerOf(request), token };
        // A stop takes up to its grace and longer: the connection waits for as long.
        const { service, jobId, cutOff } = await inItsTime(server, request, () => serviceActions.run(name, order));
        if (jobId !== null) set.status = 202;
        return { ...service, job_id: jobId, cut_off: cutOff };
      },
      {
        params: Name,
        body: ActionBody,
        query: t.Object(TokenQuery),
        headers: TokenHeader,
        response: {
          200: ActionAnswer,
          202: ActionAnswer,
          409: SwapRunning,
          423: Reserved,
          ...errors(404, 422, 502, 503, 504),
        },
        detail: { ...words, tags: ["Services"] },
      },
    );
