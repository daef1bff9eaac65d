import { Elysia } from "elysia";
import { EndpointsSchema, endpointsOf } from "../../lib/status.ts";

/** Where everything is, for downstream apps. */
export default (plane: Parameters<typeof endpointsOf>[0]) =>
  new Elysia().get("", ({ request }) => endpointsOf(plane, `http://${request.headers.get("host")}`), {
    response: { 200: EndpointsSchema },
    detail: { operationId: "getEndpoints", summary: "URLs of every service, and the loaded model", tags: ["Status"] },
  });
