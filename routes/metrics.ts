import { Elysia } from "elysia";
import type { ControlPlane } from "../lib/control-plane.ts";
import { FileOf } from "../lib/http/schemas.ts";

/** For Prometheus: no name of a caller, no content. */
export default ({ metrics }: Pick<ControlPlane, "metrics">) =>
  new Elysia().get(
    "",
    async () =>
      new Response(await metrics.text(), {
        headers: { "content-type": metrics.contentType, "cache-control": "no-store" },
      }),
    {
      response: { 200: FileOf("text/plain") },
      detail: { operationId: "getMetrics", summary: "Figures in Prometheus' text format", tags: ["Status"] },
    },
  );
