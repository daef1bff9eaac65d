import { Elysia, t } from "elysia";
import type { ControlPlane } from "../../../../../lib/control-plane.ts";
import { EventStream, errors } from "../../../../../lib/http/schemas.ts";
import { pullStream } from "../../../../../lib/http/sse.ts";
import type { Followed } from "../../../../../lib/service/container-logs.ts";
import { Name, Tail, USUAL_TAIL } from "../../_shapes.ts";

/** What Eden's client reads; the type of the 200 is for it alone. */
type LogEvent = { event: "log"; data: Followed };

export default ({ serviceLogs }: Pick<ControlPlane, "serviceLogs">) =>
  new Elysia().get(
    "",
    (context) => {
      const { name } = context.params;
      const tail = context.query.tail ?? USUAL_TAIL;
      serviceLogs.require(name);
      return pullStream(context, ({ signal }) => events(serviceLogs.follow(name, tail, signal)));
    },
    {
      params: Name,
      query: t.Object({ tail: Tail }),
      response: { 200: t.Unsafe<AsyncGenerator<LogEvent, void, unknown>>(EventStream), ...errors(404, 409, 422) },
      detail: {
        operationId: "streamServiceLog",
        summary: "The log of a service's container as it grows, as server-sent events",
        description:
          "`log` {lines: [{at, line}], gap, trouble}: the last lines first, then what is new each second. `gap`: it grew faster than it is read, lines are missing before these. `trouble`: why it cannot be read at the moment; it is tried again.",
        tags: ["Services"],
      },
    },
  );

async function* events(followed: AsyncGenerator<Followed, void, unknown>): AsyncGenerator<LogEvent, void, unknown> {
  for await (const data of followed) yield { event: "log", data };
}
