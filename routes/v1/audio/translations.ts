import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { ControlPlane } from "../../../lib/control-plane.ts";
import { passing } from "../../../lib/http/direct.ts";
import { AudioFile, askerOf, proxied, withQuery } from "../_proxied.ts";

/** Speech in any language to English text, where the service can. */
export default ({ gateway, config }: Pick<ControlPlane, "gateway" | "config">) =>
  new Elysia().post(
    "",
    passing(({ request, server }) =>
      gateway.toService("asr", request, withQuery(request, "/v1/audio/translations"), askerOf(request, server, config)),
    ),
    proxied({
      operationId: "createTranslation",
      summary: "Speech to English text",
      tags: ["Speech"],
      form: true,
      body: {
        file: AudioFile,
        model: Type.Optional(Type.String()),
        language: Type.Optional(Type.String()),
        response_format: Type.Optional(Type.String({ description: "json, text, srt, vtt or verbose_json" })),
      },
    }),
  );
