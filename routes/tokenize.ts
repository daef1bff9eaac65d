import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { ControlPlane } from "../lib/control-plane.ts";
import { passing } from "../lib/http/direct.ts";
import { askerOf, ModelName, proxied, withQuery } from "./v1/_proxied.ts";

/** The loaded model's tokenizer. */
export default ({ gateway, config }: Pick<ControlPlane, "gateway" | "config">) =>
  new Elysia().post(
    "",
    passing(({ request, server }) =>
      gateway.toModel(request, withQuery(request, "/tokenize"), askerOf(request, server, config)),
    ),
    proxied({
      operationId: "tokenize",
      summary: "Tokens of a text, by the loaded model",
      tags: ["Gateway"],
      body: { model: Type.Optional(ModelName), prompt: Type.Optional(Type.String()) },
    }),
  );
