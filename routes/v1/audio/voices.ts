import { Elysia } from "elysia";
import type { ControlPlane } from "../../../lib/control-plane.ts";
import { passing } from "../../../lib/http/direct.ts";
import { askerOf, proxied, withQuery } from "../_proxied.ts";

/** Voices of the speech service. */
export default ({ gateway, config }: Pick<ControlPlane, "gateway" | "config">) =>
  new Elysia().get(
    "",
    passing(({ request, server }) =>
      gateway.toService("tts", request, withQuery(request, "/v1/audio/voices"), askerOf(request, server, config)),
    ),
    proxied({
      operationId: "listVoices",
      summary: "Voices of the speech service",
      tags: ["Speech"],
    }),
  );
