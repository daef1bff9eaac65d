import { Elysia } from "elysia";
import { FileOf } from "../../lib/http/schemas.ts";
import { SWAGGER_PAGE } from "../../lib/http/swagger-ui.ts";

const headers = { "content-type": "text/html; charset=utf-8" };

export default () =>
  new Elysia().get("", () => new Response(SWAGGER_PAGE, { headers }), {
    response: { 200: FileOf("text/html") },
    detail: { operationId: "getSwagger", summary: "This API as pages to read and try", tags: ["Documentation"] },
  });
