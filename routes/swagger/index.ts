import { Elysia } from "elysia";
import { FileOf } from "../../lib/http/schemas.ts";
import { contentSecurityPolicy } from "../../lib/http/security-headers.ts";
import { SWAGGER_PAGE } from "../../lib/http/swagger-ui.ts";

/** Swagger UI writes style attributes into its markup; its scripts stay under the strict policy. */
const headers = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": contentSecurityPolicy(),
};

export default () =>
  new Elysia().get("", () => new Response(SWAGGER_PAGE, { headers }), {
    response: { 200: FileOf("text/html") },
    detail: { operationId: "getSwagger", summary: "This API as pages to read and try", tags: ["Documentation"] },
  });
