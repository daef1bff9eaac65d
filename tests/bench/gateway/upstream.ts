/** A stand-in of a vLLM that costs as little as possible, as a process of its own. Prints its port. */

const CHUNKS = 200;
/** As tests/bench/gateway/limited.ts has it. */
const SERVICE_MS = 100;
const models = JSON.stringify({ object: "list", data: [{ id: "bench", object: "model" }] });
const answer = JSON.stringify({
  id: "x",
  choices: [{ index: 0, message: { role: "assistant", content: "y".repeat(200) } }],
});
const EVENT = new TextEncoder().encode(`data: {"choices":[{"index":0,"delta":{"content":"token "}}]}\n\n`);

function events(): ReadableStream<Uint8Array> {
  let left = CHUNKS;
  return new ReadableStream({
    async pull(controller) {
      // Each event is a write of its own, as a model's tokens are.
      await new Promise((resolve) => setImmediate(resolve));
      controller.enqueue(EVENT);
      if (--left === 0) controller.close();
    },
  });
}

/** Events that never come: an open stream. */
const idle = () =>
  new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(EVENT),
  });

const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  idleTimeout: 0,
  maxRequestBodySize: 2 ** 40,
  async fetch(request) {
    const path = new URL(request.url).pathname;
    if (path === "/v1/models") return new Response(models, { headers: { "content-type": "application/json" } });
    if (path === "/v1/audio/transcriptions") {
      let bytes = 0;
      for await (const chunk of request.body ?? []) bytes += chunk.length;
      return Response.json({ bytes });
    }
    if (path !== "/v1/chat/completions") return new Response(null, { status: 404 });
    const body = await request.text();
    const headers = { "content-type": "text/event-stream" };
    if (body.includes('"idle":true')) return new Response(idle(), { headers });
    if (body.includes('"slow":true')) await Bun.sleep(SERVICE_MS);
    if (body.includes('"stream":true')) return new Response(events(), { headers });
    return new Response(answer, { headers: { "content-type": "application/json" } });
  },
});
console.log(server.port);

export {};
