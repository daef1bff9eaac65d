import { Elysia } from "elysia";
import type { ControlPlane } from "../../../../../lib/control-plane.ts";
import { errors, FileOf } from "../../../../../lib/http/schemas.ts";
import { MOST_LOG_LINES } from "../../../../../lib/spark/containers.ts";
import { Name } from "../../_shapes.ts";

export default ({ serviceLogs }: Pick<ControlPlane, "serviceLogs">) =>
  new Elysia().get(
    "",
    async ({ params: { name }, request }) => {
      serviceLogs.require(name);
      const headers = {
        "content-type": "text/plain; charset=utf-8",
        "content-disposition": `attachment; filename="${name}-${new Date().toISOString().slice(0, 19).replaceAll(":", "-")}.log"`,
        "cache-control": "no-store",
      };
      if (request.method === "HEAD") return new Response(null, { headers });
      const lines = await serviceLogs.tail(name, MOST_LOG_LINES, request.signal);
      return new Response(lines.map(({ at, line }) => `${at}\t${line}\n`).join(""), { headers });
    },
    {
      params: Name,
      response: { 200: FileOf("text/plain"), ...errors(404, 409, 502, 504) },
      detail: {
        operationId: "downloadServiceLog",
        summary: "The log of a service's container as a text file",
        description: "Its last 10,000 lines, at most 16 MiB: time and text, with a tab between them.",
        tags: ["Services"],
      },
    },
  );
