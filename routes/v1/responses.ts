import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { ControlPlane } from "../../lib/control-plane.ts";
import { passing } from "../../lib/http/direct.ts";
import { askerOf, ModelName, proxied, Stream, withQuery } from "./_proxied.ts";

/** OpenAI's Responses API, where the loaded vLLM has it. */
export default ({ gateway, config }: Pick<ControlPlane, "gateway" | "config">) =>
  new Elysia().post(
    "",
    passing(({ request, server }) =>
      gateway.toModel(request, withQuery(request, "/v1/responses"), askerOf(request, server, config)),
    ),
    proxied({
      operationId: "createResponse",
      summary: "OpenAI’s Responses API, where the loaded vLLM has it",
      tags: ["Gateway"],
      body: { model: ModelName, input: Type.Union([Type.String(), Type.Array(Type.Any())]), stream: Stream },
    }),
  );
