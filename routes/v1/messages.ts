import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { ControlPlane } from "../../lib/control-plane.ts";
import { passing } from "../../lib/http/direct.ts";
import { askerOf, Messages, ModelName, proxied, Stream, withQuery } from "./_proxied.ts";

/** Anthropic's Messages API, where the loaded vLLM has it. */
export default ({ gateway, config }: Pick<ControlPlane, "gateway" | "config">) =>
  new Elysia().post(
    "",
    passing(({ request, server }) =>
      gateway.toModel(request, withQuery(request, "/v1/messages"), askerOf(request, server, config)),
    ),
    proxied({
      operationId: "createMessage",
      summary: "Anthropic’s Messages API, where the loaded vLLM has it",
      tags: ["Gateway"],
      body: { model: ModelName, messages: Messages, max_tokens: Type.Integer(), stream: Stream },
    }),
  );
