/** Every route of the product, called once with everything it takes. The check compares the keys with the OpenAPI document. */
import type { SparkControl } from "spark-control/client";

const id = "0192f0c1-2b7a-7c3e-9d55-3a1f0f6f9b01";

const spark = { name: "spark-1", host: "10.77.0.11", user: "alice", ssh_port: null };

export const calls = {
  "GET /api/activity": (client: SparkControl) =>
    client.api.activity.get({ query: { outcome: "complete", q: "chat", limit: 5, before: 100, after: 1 } }),
  "GET /api/activity/traffic": (client: SparkControl) =>
    client.api.activity.traffic.get({ query: { upstream: "slot:main", from: "2026-01-31T00:00:00Z" } }),
  "GET /api/audit": (client: SparkControl) =>
    client.api.audit.get({
      query: {
        from: "2026-01-31T12:00:00Z",
        to: "2026-02-01T12:00:00Z",
        via: "api",
        outcome: "done",
        action: "startSwap",
        address: "192.168.1.7",
        holder: "nightly",
        q: "gpt",
        limit: 5,
        before: 100,
      },
    }),
  "GET /api/audit/export": (client: SparkControl) => client.api.audit.export.get({ query: { format: "ndjson" } }),
  "GET /api/connectivity": (client: SparkControl) =>
    client.api.connectivity.get({ query: { spark: "spark-1", before: "2026-02-01T12:00:00Z", limit: 5 } }),
  "GET /api/connectivity/availability": (client: SparkControl) =>
    client.api.connectivity.availability.get({ query: { window: "week" } }),
  "GET /api/downloads": (client: SparkControl) => client.api.downloads.get(),
  "POST /api/downloads": (client: SparkControl) =>
    client.api.downloads.post({ model: "gpt-oss-20b", nodes: ["spark-1", "spark-2"] }),
  "GET /api/downloads/{id}": (client: SparkControl) => client.api.downloads({ id }).get(),
  "DELETE /api/downloads/{id}": (client: SparkControl) => client.api.downloads({ id }).delete(),
  "GET /api/endpoints": (client: SparkControl) => client.api.endpoints.get(),
  "GET /api/events": (client: SparkControl) => client.api.events.get(),
  "GET /api/hardware": (client: SparkControl) => client.api.hardware.get(),
  "POST /api/health-event": (client: SparkControl) => client.api["health-event"].post({ service: "parakeet" }),
  "GET /api/host-keys": (client: SparkControl) => client.api["host-keys"].get(),
  "POST /api/host-keys/{node}/accept": (client: SparkControl) =>
    client.api["host-keys"]({ node: "spark-1" }).accept.post({ fingerprint: "SHA256:not-a-fingerprint" }),
  "GET /api/matrix-bridge/logs": (client: SparkControl) =>
    client.api["matrix-bridge"].logs.get({ query: { tail: 20 } }),
  "GET /api/matrix-bridge/update": (client: SparkControl) => client.api["matrix-bridge"].update.get(),
  "POST /api/matrix-bridge/update": (client: SparkControl) => client.api["matrix-bridge"].update.post(),
  "DELETE /api/matrix-bridge/update": (client: SparkControl) => client.api["matrix-bridge"].update.delete(),
  "GET /api/matrix-bridge/update/stream": (client: SparkControl) => client.api["matrix-bridge"].update.stream.get(),
  "GET /api/models": (client: SparkControl) => client.api.models.get(),
  "POST /api/models": (client: SparkControl) =>
    client.api.models.post({ key: "mine", local_path: "/models/mine", args: ["--x"], env: { A: 1 }, version: "0" }),
  "GET /api/models/{key}": (client: SparkControl) => client.api.models({ key: "gpt-oss-20b" }).get(),
  "PATCH /api/models/{key}": (client: SparkControl) =>
    client.api.models({ key: "gpt-oss-20b" }).patch({ values: { note: "Mine", max_model_len: null }, version: "0" }),
  "DELETE /api/models/{key}": (client: SparkControl) =>
    client.api.models({ key: "nothing" }).delete(undefined, { query: { version: "0" } }),
  "DELETE /api/models/{key}/files": (client: SparkControl) =>
    client.api.models({ key: "nothing" }).files.delete(undefined, { query: { confirm: "nothing", node: "spark-1" } }),
  "GET /api/models/suggest": (client: SparkControl) =>
    client.api.models.suggest.get({ query: { local_path: "/models/mine" } }),
  "POST /api/models/{key}/restore": (client: SparkControl) =>
    client.api.models({ key: "nothing" }).restore.post(undefined, { query: { version: "0" } }),
  "POST /api/nodes/{node}/take-over": (client: SparkControl) =>
    client.api.nodes({ node: "spark-1" })["take-over"].post({ instance: id }),
  "POST /api/nodes/{node}/wake": (client: SparkControl) => client.api.nodes({ node: "spark-1" }).wake.post(),
  "GET /api/refused-hosts": (client: SparkControl) => client.api["refused-hosts"].get(),
  "GET /api/schedule": (client: SparkControl) => client.api.schedule.get({ query: { hours: 48 } }),
  "POST /api/schedule": (client: SparkControl) =>
    client.api.schedule.post({
      id: "nightly-index",
      owner: "crm",
      title: "Index the archive",
      model: "gpt-oss-20b",
      slot: "main",
      cron: "0 3 * * *",
      timezone: "Europe/Berlin",
      duration_seconds: 3600,
      note: "may be late",
      link: "http://nas.local/jobs",
    }),
  "DELETE /api/schedule": (client: SparkControl) => client.api.schedule.delete(undefined, { query: { id: "nothing" } }),
  "GET /api/schedule/{id}": (client: SparkControl) => client.api.schedule({ id: "nightly-index" }).get(),
  "DELETE /api/schedule/{id}": (client: SparkControl) => client.api.schedule({ id: "nothing" }).delete(),
  "GET /api/settings": (client: SparkControl) => client.api.settings.get(),
  "PATCH /api/settings": (client: SparkControl) => client.api.settings.patch({ values: { stall_seconds: null } }),
  "PATCH /api/settings/slots/{name}": (client: SparkControl) =>
    client.api.settings.slots({ name: "main" }).patch({ values: { port: null } }),
  "DELETE /api/settings/slots/{name}": (client: SparkControl) =>
    client.api.settings.slots({ name: "no-such-slot" }).delete(undefined, { query: {} }),
  "PATCH /api/settings/services/{name}": (client: SparkControl) =>
    client.api.settings.services({ name: "kokoro" }).patch({ values: { port: null } }),
  "DELETE /api/settings/services/{name}": (client: SparkControl) =>
    client.api.settings.services({ name: "no-such-service" }).delete(undefined, { query: {} }),
  "GET /api/services": (client: SparkControl) => client.api.services.get(),
  "POST /api/services/check": (client: SparkControl) => client.api.services.check.post(),
  "POST /api/services/deep-check": (client: SparkControl) => client.api.services["deep-check"].post(),
  "GET /api/services/{name}": (client: SparkControl) => client.api.services({ name: "kokoro" }).get(),
  "POST /api/services/{name}/check": (client: SparkControl) => client.api.services({ name: "kokoro" }).check.post(),
  "POST /api/services/{name}/deep-check": (client: SparkControl) =>
    client.api.services({ name: "kokoro" })["deep-check"].post(),
  "GET /api/services/{name}/logs": (client: SparkControl) =>
    client.api.services({ name: "kokoro" }).logs.get({ query: { tail: 20 } }),
  "GET /api/services/{name}/logs/download": (client: SparkControl) =>
    client.api.services({ name: "kokoro" }).logs.download.get(),
  "GET /api/services/{name}/logs/stream": (client: SparkControl) =>
    client.api.services({ name: "kokoro" }).logs.stream.get({ query: { tail: 20 } }),
  "POST /api/services/{name}/restart": (client: SparkControl) =>
    client.api.services({ name: "kokoro" }).restart.post({ token: "not-a-token" }),
  "POST /api/services/{name}/start": (client: SparkControl) => client.api.services({ name: "kokoro" }).start.post(),
  "POST /api/services/{name}/stop": (client: SparkControl) =>
    client.api
      .services({ name: "qdrant" })
      .stop.post(undefined, { query: { token: "not-a-token" }, headers: { "x-swap-lock-token": "not-a-token" } }),
  "GET /api/services/{name}/update": (client: SparkControl) =>
    client.api.services({ name: "matrix-bridge" }).update.get(),
  "POST /api/services/{name}/update": (client: SparkControl) =>
    client.api.services({ name: "matrix-bridge" }).update.post(),
  "DELETE /api/services/{name}/update": (client: SparkControl) =>
    client.api.services({ name: "matrix-bridge" }).update.delete(),
  "GET /api/services/{name}/update/stream": (client: SparkControl) =>
    client.api.services({ name: "matrix-bridge" }).update.stream.get(),
  "GET /api/setup": (client: SparkControl) => client.api.setup.get(),
  "PUT /api/setup": (client: SparkControl) =>
    client.api.setup.put({ nodes: [spark], vllm: { port: 8888 }, trial: true }),
  "POST /api/setup/check": (client: SparkControl) => client.api.setup.check.post({ nodes: [spark] }),
  "POST /api/setup/confirm": (client: SparkControl) =>
    client.api.setup.confirm.post({ host: "10.77.0.11", ssh_port: 22, fingerprint: "SHA256:not-a-fingerprint" }),
  "POST /api/simulated": (client: SparkControl) => client.api.simulated.post(),
  "DELETE /api/simulated": (client: SparkControl) => client.api.simulated.delete(),
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
  "POST /api/swap/{id}/drain": (client: SparkControl) =>
    client.api.swap({ id }).drain.post({ answer: "keep_waiting" }, { headers: { "x-swap-lock-token": "not-a-token" } }),
  "GET /api/swap/{id}/lines": (client: SparkControl) =>
    client.api.swap({ id }).lines.get({ query: { after: 1, before: 100, limit: 10 } }),
  "GET /api/swap/{id}/log": (client: SparkControl) => client.api.swap({ id }).log.get(),
  "GET /api/swap/{id}/stream": (client: SparkControl) => client.api.swap({ id }).stream.get(),
  "POST /api/swap/{id}/validate": (client: SparkControl) =>
    client.api.swap({ id: "gpt-oss-20b" }).validate.post(undefined, { query: { slot: "main" } }),
  "GET /api/diagnostics": (client: SparkControl) => client.api.diagnostics.get(),
  "GET /api/upgrade": (client: SparkControl) => client.api.upgrade.get(),
  "GET /api/webhooks": (client: SparkControl) => client.api.webhooks.get(),
  "POST /api/webhooks": (client: SparkControl) =>
    client.api.webhooks.post({
      url: "http://192.168.1.20/hook",
      name: "Nightly",
      events: ["swap_complete", "lock_forced"],
      secret: "hunter2!",
      generate_secret: false,
      enabled: true,
    }),
  "GET /api/webhooks/{id}": (client: SparkControl) => client.api.webhooks({ id }).get(),
  "PATCH /api/webhooks/{id}": (client: SparkControl) =>
    client.api.webhooks({ id }).patch({
      url: "http://192.168.1.20/hook",
      name: null,
      events: ["*"],
      enabled: false,
      secret: null,
      generate_secret: false,
      previous_secret_seconds: 60,
    }),
  "DELETE /api/webhooks/{id}": (client: SparkControl) => client.api.webhooks({ id }).delete(),
  "POST /api/webhooks/{id}/test": (client: SparkControl) => client.api.webhooks({ id }).test.post(),
  "GET /api/webhooks/{id}/deliveries": (client: SparkControl) =>
    client.api.webhooks({ id }).deliveries.get({ query: { limit: 5, before: id, state: "dead" } }),
  "GET /api/webhooks/deliveries": (client: SparkControl) => client.api.webhooks.deliveries.get({ query: { limit: 5 } }),
  "GET /api/webhooks/deliveries/{id}": (client: SparkControl) => client.api.webhooks.deliveries({ id }).get(),
  "POST /api/webhooks/deliveries/{id}/redeliver": (client: SparkControl) =>
    client.api.webhooks.deliveries({ id }).redeliver.post(),
  "GET /docs": (client: SparkControl) => client.docs.get(),
  "GET /health": (client: SparkControl) => client.health.get(),
  "GET /metrics": (client: SparkControl) => client.metrics.get(),
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
