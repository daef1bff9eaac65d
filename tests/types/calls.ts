/** Every route of the product, called once with everything it takes. The check compares the keys with the OpenAPI document. */
import type { SparkControl } from "spark-control/client";

const id = "0192f0c1-2b7a-7c3e-9d55-3a1f0f6f9b01";

export const calls = {
  "GET /api/endpoints": (client: SparkControl) => client.api.endpoints.get(),
  "GET /api/events": (client: SparkControl) => client.api.events.get(),
  "GET /api/host-keys": (client: SparkControl) => client.api["host-keys"].get(),
  "POST /api/host-keys/{node}/accept": (client: SparkControl) =>
    client.api["host-keys"]({ node: "spark-1" }).accept.post({ fingerprint: "SHA256:not-a-fingerprint" }),
  "GET /api/models": (client: SparkControl) => client.api.models.get(),
  "POST /api/nodes/{node}/take-over": (client: SparkControl) =>
    client.api.nodes({ node: "spark-1" })["take-over"].post({ instance: id }),
  "GET /api/refused-hosts": (client: SparkControl) => client.api["refused-hosts"].get(),
  "GET /api/status": (client: SparkControl) => client.api.status.get(),
  "GET /api/swap": (client: SparkControl) => client.api.swap.get({ query: { limit: 5 } }),
  "POST /api/swap": (client: SparkControl) =>
    client.api.swap.post({
      model: "gpt-oss-20b",
      slot: "main",
      rollback: false,
      dry_run: true,
      lock_token: "not-a-token",
    }),
  "GET /api/swap/lock": (client: SparkControl) => client.api.swap.lock.get(),
  "POST /api/swap/lock": (client: SparkControl) =>
    client.api.swap.lock.post(
      {
        holder: "nightly",
        ttl_seconds: 600,
        note: "transcripts",
        token: "not-a-token",
        request_id: id,
        slots: ["main"],
        allow_running_swap: true,
      },
      { query: { wait: 30 }, headers: { "x-swap-lock-token": "not-a-token" } },
    ),
  "DELETE /api/swap/lock": (client: SparkControl) =>
    client.api.swap.lock.delete(undefined, {
      query: { force: true, generation: 7, reason: "the demo" },
      headers: { "x-swap-lock-token": "not-a-token" },
    }),
  "POST /api/swap/plan": (client: SparkControl) =>
    client.api.swap.plan.post({ model: "gpt-oss-20b", slot: "main", rollback: true }),
  "GET /api/swap/{id}": (client: SparkControl) => client.api.swap({ id }).get(),
  "DELETE /api/swap/{id}": (client: SparkControl) => client.api.swap({ id }).delete(),
  "GET /api/swap/{id}/stream": (client: SparkControl) => client.api.swap({ id }).stream.get(),
  "POST /api/swap/{id}/validate": (client: SparkControl) =>
    client.api.swap({ id: "gpt-oss-20b" }).validate.post(undefined, { query: { slot: "main" } }),
  "GET /docs": (client: SparkControl) => client.docs.get(),
  "GET /health": (client: SparkControl) => client.health.get(),
  "GET /openapi.json": (client: SparkControl) => client["openapi.json"].get(),
  "GET /swagger": (client: SparkControl) => client.swagger.get(),
  "GET /swagger/{file}": (client: SparkControl) => client.swagger({ file: "swagger-ui.css" }).get(),
  "POST /tokenize": (client: SparkControl) => client.tokenize.post({ prompt: "hello" }),
  "GET /v1/audio/voices": (client: SparkControl) => client.v1.audio.voices.get(),
  "POST /v1/audio/speech": (client: SparkControl) => client.v1.audio.speech.post({ input: "hi", voice: "af_heart" }),
  "POST /v1/audio/transcriptions": (client: SparkControl) =>
    client.v1.audio.transcriptions.post({ file: new File(["x"], "a.wav") }),
  "POST /v1/audio/translations": (client: SparkControl) =>
    client.v1.audio.translations.post({ file: new File(["x"], "a.wav") }),
  "POST /v1/chat/completions": (client: SparkControl) => client.v1.chat.completions.post({ model: "x", messages: [] }),
  "POST /v1/completions": (client: SparkControl) => client.v1.completions.post({ model: "x", prompt: "x" }),
  "POST /v1/embeddings": (client: SparkControl) => client.v1.embeddings.post({ input: "x" }),
  "POST /v1/messages": (client: SparkControl) => client.v1.messages.post({ model: "x", messages: [], max_tokens: 1 }),
  "GET /v1/models": (client: SparkControl) => client.v1.models.get(),
  "GET /v1/models/{path}": (client: SparkControl) => client.v1.models["*"].get(),
  "POST /v1/rerank": (client: SparkControl) => client.v1.rerank.post({ query: "x", documents: ["a"] }),
  "POST /v1/responses": (client: SparkControl) => client.v1.responses.post({ model: "x", input: "x" }),
};
