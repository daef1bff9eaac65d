import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";

export default () =>
  new Elysia().get("", () => new Response(null, { status: 302, headers: { location: "/swagger" } }), {
    response: { 302: Type.Void({ description: "To /swagger" }) },
    detail: { operationId: "getDocs", summary: "Leads to the API pages", tags: ["Documentation"] },
  });
