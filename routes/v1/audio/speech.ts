import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { ControlPlane } from "../../../lib/control-plane.ts";
import { passing } from "../../../lib/http/direct.ts";
import { askerOf, proxied, withQuery } from "../_proxied.ts";

/** Text to speech; the audio comes as it is made. */
export default ({ gateway, config }: Pick<ControlPlane, "gateway" | "config">) =>
  new Elysia().post(
    "",
    passing(({ request, server }) =>
      gateway.toService("tts", request, withQuery(request, "/v1/audio/speech"), askerOf(request, server, config)),
    ),
    proxied({
      operationId: "createSpeech",
      summary: "Text to speech, streamed",
      tags: ["Speech"],
      answers: "audio/*",
      body: {
        input: Type.String(),
        voice: Type.String({ description: "A voice, or a mix such as `af_heart(2)+af_bella`" }),
        model: Type.Optional(Type.String()),
        response_format: Type.Optional(Type.String({ description: "mp3, opus, aac, flac, wav or pcm" })),
        speed: Type.Optional(Type.Number({ minimum: 0.25, maximum: 4 })),
      },
    }),
  );
