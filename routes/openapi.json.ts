import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { Web } from "../lib/http/web.ts";

const Document = Type.Object({ openapi: Type.String() }, { additionalProperties: true, title: "OpenApiDocument" });

export default ({ openApi }: Pick<Web, "openApi">) =>
  new Elysia().get("", () => openApi(), {
    response: { 200: Document },
    detail: { operationId: "getOpenApi", summary: "This API as an OpenAPI document", tags: ["Documentation"] },
  });
