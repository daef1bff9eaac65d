import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { ControlPlane } from "../../../lib/control-plane.ts";
import { passing } from "../../../lib/http/direct.ts";
import { AudioFile, askerOf, proxied, withQuery } from "../_proxied.ts";

/** Speech to text. A failure inside the service is told as 503 with Retry-After: it may need a moment. */
export default ({ gateway, config }: Pick<ControlPlane, "gateway" | "config">) =>
  new Elysia().post(
    "",
    passing(({ request, server }) =>
      gateway.toService(
        "asr",
        request,
        withQuery(request, "/v1/audio/transcriptions"),
        askerOf(request, server, config),
      ),
    ),
    proxied({
      operationId: "createTranscription",
      summary: "Speech to text",
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
