/**
 * A service of any kind, as a process in a container: `bun server.ts KIND PORT`. Flags are files in /flags: `dies` ends it
 * at its start, `fails` lets its work fail with 500, `hangs` keeps every answer back.
 */
import { existsSync } from "node:fs";

const [kind = "http", port = "0"] = process.argv.slice(2);
const has = (flag: string) => existsSync(`/flags/${kind}-${flag}`);
const say = (line: string) => console.log(line);

process.on("SIGTERM", () => {
  say(`${kind}: told to stop`);
  process.exit(0);
});
if (has("dies")) {
  console.error(`${kind}: no GPU found`);
  process.exit(3);
}

const VOICE = "x".repeat(400);
const WORK: Readonly<Record<string, (body: unknown) => unknown>> = {
  "GET /health": () => ({ status: "ok" }),
  "GET /healthz": () => ({ status: "ok" }),
  "GET /": () => ({ hello: kind }),
  "GET /v1/models": () => ({ data: kind === "vllm" ? [{ id: "acme/watched" }] : [] }),
  "GET /v1/audio/voices": () => ({ voices: [{ id: "af_heart", name: "Heart" }] }),
  "GET /collections": () => ({ result: { collections: [{ name: "notes" }] } }),
  "POST /v1/chat/completions": () => ({ choices: [{ message: { content: "h" } }] }),
  "POST /v1/audio/transcriptions": () => ({ text: "" }),
  "POST /v1/audio/speech": () => VOICE,
  "POST /v1/embeddings": () => ({ data: [{ embedding: [0.6, 0.8] }] }),
  "POST /v1/rerank": () => ({ results: [{ relevance_score: 1 }, { relevance_score: -1 }] }),
};

if (kind !== "bot")
  Bun.serve({
    port: Number(port),
    hostname: "0.0.0.0",
    idleTimeout: 0,
    async fetch(request) {
      while (has("hangs")) await Bun.sleep(100);
      const answer = WORK[`${request.method} ${new URL(request.url).pathname}`];
      if (!answer) return new Response(null, { status: 404 });
      await request.arrayBuffer();
      if (request.method === "POST" && has("fails")) return new Response("CUDA error", { status: 500 });
      const body = answer(null);
      return typeof body === "string" ? new Response(body) : Response.json(body);
    },
  });
say(`${kind}: ready`);
for (;;) await Bun.sleep(1_000_000);
