import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { ControlPlane } from "../../lib/control-plane.ts";
import { passing } from "../../lib/http/direct.ts";
import { askerOf, ModelName, proxied, Stream, withQuery } from "./_proxied.ts";

/** Text completion by the loaded model. */
export default ({ gateway, config }: Pick<ControlPlane, "gateway" | "config">) =>
  new Elysia().post(
    "",
    passing(({ request, server }) =>
      gateway.toModel(request, withQuery(request, "/v1/completions"), askerOf(request, server, config)),
    ),
    proxied({
      operationId: "createCompletion",
      summary: "Complete a text with a loaded model",
      tags: ["Gateway"],
      body: { model: ModelName, prompt: Type.Union([Type.String(), Type.Array(Type.Any())]), stream: Stream },
    }),
  );
