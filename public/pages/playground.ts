/** Playground: everything that the gateway offers, to be tried. */
import "../app.ts";
import { define } from "../define.ts";
import { PlayChat } from "../panels/play-chat.ts";
import { PlayEmbed } from "../panels/play-embed.ts";
import { PlayRerank } from "../panels/play-rerank.ts";
import { PlaySpeak } from "../panels/play-speak.ts";
import { PlayTranscribe } from "../panels/play-transcribe.ts";

define({
  "play-chat": PlayChat,
  "play-speak": PlaySpeak,
  "play-transcribe": PlayTranscribe,
  "play-embed": PlayEmbed,
  "play-rerank": PlayRerank,
});
