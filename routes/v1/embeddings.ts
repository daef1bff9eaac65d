import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { ControlPlane } from "../../lib/control-plane.ts";
import { passing } from "../../lib/http/direct.ts";
import { askerOf, proxied, withQuery } from "./_proxied.ts";

/** Embeddings by the service, or by a slot that serves the named model. */
export default ({ gateway, config }: Pick<ControlPlane, "gateway" | "config">) =>
  new Elysia().post(
    "",
    passing(({ request, server }) =>
      gateway.toEmbeddings(request, withQuery(request, "/v1/embeddings"), askerOf(request, server, config)),
    ),
    proxied({
      operationId: "createEmbedding",
      summary: "Embeddings of texts",
      tags: ["Gateway"],
      body: { model: Type.Optional(Type.String()), input: Type.Union([Type.String(), Type.Array(Type.Any())]) },
    }),
  );
