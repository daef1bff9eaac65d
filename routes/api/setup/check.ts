import { Type } from "@sinclair/typebox";
import { Elysia, t } from "elysia";
import type { ControlPlane } from "../../../lib/control-plane.ts";
import { EventStream, errors } from "../../../lib/http/schemas.ts";
import { pushStream, type SseStream } from "../../../lib/http/sse.ts";
import { CHECKS, type CheckResult } from "../../../lib/setup/check.ts";
import { checksOf } from "../../../lib/setup/check-sparks.ts";
import { type SetupEntries, SetupEntriesSchema } from "../../../lib/setup/settings.ts";

/** What Eden's client reads; the type of the 200 is for it alone. */
type CheckEvent =
  | { event: "checks"; data: { nodes: { node: string; checks: { check: string; title: string }[] }[] } }
  | { event: "result"; data: CheckResult }
  | { event: "end"; data: Record<string, never> };

type Plane = Pick<ControlPlane, "setup">;

export default ({ setup }: Plane) =>
  new Elysia().post(
    "",
    (context) => {
      const run = setup.check(context.body);
      return pushStream(context, (stream) => follow(run, context.body, stream));
    },
    {
      body: Type.Object(SetupEntriesSchema.properties, { title: "SetupCheck", additionalProperties: false }),
      response: { 200: t.Unsafe<AsyncGenerator<CheckEvent, void, unknown>>(EventStream), ...errors(409, 422, 503) },
      detail: {
        operationId: "checkSetup",
        summary: "Check Sparks before they are saved, as server-sent events",
        description:
          "`checks` (what will be checked), then a `result` (SetupCheckResult) for each as it comes, `end` when all are there. Changes nothing on a Spark and trusts no host key.",
        tags: ["Set-up"],
      },
    },
  );

/** @returns how to end it */
function follow(run: ReturnType<Plane["setup"]["check"]>, { nodes }: SetupEntries, stream: SseStream): () => void {
  const leaving = new AbortController();
  stream.send({
    event: "checks",
    data: {
      nodes: nodes.map(({ name }, index) => ({
        node: name,
        checks: checksOf(index).map((check) => ({ check, title: CHECKS[check] })),
      })),
    },
  });
  run((result) => stream.send({ event: "result", data: result }), leaving.signal).then(
    () => {
      stream.send({ event: "end", data: {} });
      stream.end();
    },
    (error) => stream.end(error),
  );
  return () => leaving.abort();
}
