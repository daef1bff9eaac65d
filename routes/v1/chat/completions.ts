import { Elysia } from "elysia";
import type { ControlPlane } from "../../../lib/control-plane.ts";
import { passing } from "../../../lib/http/direct.ts";
import { askerOf, Messages, ModelName, proxied, Stream, withQuery } from "../_proxied.ts";

/** Chat with the loaded model; up to 30 minutes. */
export default ({ gateway, config }: Pick<ControlPlane, "gateway" | "config">) =>
  new Elysia().post(
    "",
    passing(({ request, server }) =>
      gateway.toModel(request, withQuery(request, "/v1/chat/completions"), askerOf(request, server, config)),
    ),
    proxied({
      operationId: "createChatCompletion",
      summary: "Chat with a loaded model, streamed or whole",
      description: "Passed on as it is. A model that is not loaded answers 404 `model_not_loaded`.",
      tags: ["Gateway"],
      body: { model: ModelName, messages: Messages, stream: Stream },
    }),
  );
