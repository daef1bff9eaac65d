/** docs/GATEWAY.md tells how large a body may be, route by route. */
import { expect, test } from "bun:test";
import { PATIENCE } from "../../lib/gateway/patience.ts";
import { bodyLimit } from "../../lib/http/body-limit.ts";

const MIB = 1024 * 1024;

test("the caps of bodies are those that docs/GATEWAY.md tells", async () => {
  const text = await Bun.file(new URL("../../docs/GATEWAY.md", import.meta.url)).text();
  const { chat, asr, tts, text: embeddings } = PATIENCE;
  const mib = (bytes: number | null) => `${(bytes ?? Number.NaN) / MIB} MiB`;
  const said = [
    `Chat ${mib(chat.mostBytes)}`,
    `audio ${mib(asr.mostBytes)}`,
    `embeddings ${mib(embeddings.mostBytes)}`,
    `reranking ${mib(bodyLimit("/v1/rerank"))}`,
    `speech ${mib(tts.mostBytes)}`,
  ];

  expect(text).toContain(said.join(", "));
});
