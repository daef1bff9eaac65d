// Generated from the files of this folder by lib/routegen/_cli.ts ("bun run generate"). Do not edit.
import type { Elysia } from "elysia";
import type { ControlPlane } from "../lib/control-plane.ts";
import type { Web } from "../lib/http/web.ts";
import apiAuditIndexRoute from "./api/audit/index.ts";
import apiAuditExportRoute from "./api/audit/export.ts";
import apiEndpointsRoute from "./api/endpoints.ts";
import apiEventsRoute from "./api/events.ts";
import apiHostKeysIndexRoute from "./api/host-keys/index.ts";
import apiHostKeysNodeAcceptRoute from "./api/host-keys/[node]/accept.ts";
import apiModelsIndexRoute from "./api/models/index.ts";
import apiNodesNodeTakeOverRoute from "./api/nodes/[node]/take-over.ts";
import apiRefusedHostsRoute from "./api/refused-hosts.ts";
import apiScheduleIndexRoute from "./api/schedule/index.ts";
import apiScheduleIdRoute from "./api/schedule/[id].ts";
import apiSettingsIndexRoute from "./api/settings/index.ts";
import apiSettingsServicesNameRoute from "./api/settings/services/[name].ts";
import apiSetupIndexRoute from "./api/setup/index.ts";
import apiSetupCheckRoute from "./api/setup/check.ts";
import apiSetupConfirmRoute from "./api/setup/confirm.ts";
import apiSimulatedRoute from "./api/simulated.ts";
import apiStatusRoute from "./api/status.ts";
import apiSwapIndexRoute from "./api/swap/index.ts";
import apiSwapLockRoute from "./api/swap/lock.ts";
import apiSwapPlanRoute from "./api/swap/plan.ts";
import apiSwapIdIndexRoute from "./api/swap/[id]/index.ts";
import apiSwapIdLinesRoute from "./api/swap/[id]/lines.ts";
import apiSwapIdLogRoute from "./api/swap/[id]/log.ts";
import apiSwapIdStreamRoute from "./api/swap/[id]/stream.ts";
import apiSwapIdValidateRoute from "./api/swap/[id]/validate.ts";
import apiUpgradeRoute from "./api/upgrade.ts";
import apiWebhooksIndexRoute from "./api/webhooks/index.ts";
import apiWebhooksDeliveriesIndexRoute from "./api/webhooks/deliveries/index.ts";
import apiWebhooksDeliveriesIdIndexRoute from "./api/webhooks/deliveries/[id]/index.ts";
import apiWebhooksDeliveriesIdRedeliverRoute from "./api/webhooks/deliveries/[id]/redeliver.ts";
import apiWebhooksIdIndexRoute from "./api/webhooks/[id]/index.ts";
import apiWebhooksIdDeliveriesRoute from "./api/webhooks/[id]/deliveries.ts";
import apiWebhooksIdTestRoute from "./api/webhooks/[id]/test.ts";
import docsRoute from "./docs.ts";
import healthRoute from "./health.ts";
import metricsRoute from "./metrics.ts";
import openapiJsonRoute from "./openapi.json.ts";
import swaggerIndexRoute from "./swagger/index.ts";
import swaggerFileRoute from "./swagger/[file].ts";
import tokenizeRoute from "./tokenize.ts";
import v1AudioSpeechRoute from "./v1/audio/speech.ts";
import v1AudioTranscriptionsRoute from "./v1/audio/transcriptions.ts";
import v1AudioTranslationsRoute from "./v1/audio/translations.ts";
import v1AudioVoicesRoute from "./v1/audio/voices.ts";
import v1ChatCompletionsRoute from "./v1/chat/completions.ts";
import v1CompletionsRoute from "./v1/completions.ts";
import v1EmbeddingsRoute from "./v1/embeddings.ts";
import v1MessagesRoute from "./v1/messages.ts";
import v1ModelsIndexRoute from "./v1/models/index.ts";
import v1ModelsIdRoute from "./v1/models/[...id].ts";
import v1RerankRoute from "./v1/rerank.ts";
import v1ResponsesRoute from "./v1/responses.ts";

/** Every route file with the URL it serves, literals before parameters. */
export const ROUTE_FILES = [
  { file: "api/audit/index.ts", path: "/api/audit" },
  { file: "api/audit/export.ts", path: "/api/audit/export" },
  { file: "api/endpoints.ts", path: "/api/endpoints" },
  { file: "api/events.ts", path: "/api/events" },
  { file: "api/host-keys/index.ts", path: "/api/host-keys" },
  { file: "api/host-keys/[node]/accept.ts", path: "/api/host-keys/:node/accept" },
  { file: "api/models/index.ts", path: "/api/models" },
  { file: "api/nodes/[node]/take-over.ts", path: "/api/nodes/:node/take-over" },
  { file: "api/refused-hosts.ts", path: "/api/refused-hosts" },
  { file: "api/schedule/index.ts", path: "/api/schedule" },
  { file: "api/schedule/[id].ts", path: "/api/schedule/:id" },
  { file: "api/settings/index.ts", path: "/api/settings" },
  { file: "api/settings/services/[name].ts", path: "/api/settings/services/:name" },
  { file: "api/setup/index.ts", path: "/api/setup" },
  { file: "api/setup/check.ts", path: "/api/setup/check" },
  { file: "api/setup/confirm.ts", path: "/api/setup/confirm" },
  { file: "api/simulated.ts", path: "/api/simulated" },
  { file: "api/status.ts", path: "/api/status" },
  { file: "api/swap/index.ts", path: "/api/swap" },
  { file: "api/swap/lock.ts", path: "/api/swap/lock" },
  { file: "api/swap/plan.ts", path: "/api/swap/plan" },
  { file: "api/swap/[id]/index.ts", path: "/api/swap/:id" },
  { file: "api/swap/[id]/lines.ts", path: "/api/swap/:id/lines" },
  { file: "api/swap/[id]/log.ts", path: "/api/swap/:id/log" },
  { file: "api/swap/[id]/stream.ts", path: "/api/swap/:id/stream" },
  { file: "api/swap/[id]/validate.ts", path: "/api/swap/:id/validate" },
  { file: "api/upgrade.ts", path: "/api/upgrade" },
  { file: "api/webhooks/index.ts", path: "/api/webhooks" },
  { file: "api/webhooks/deliveries/index.ts", path: "/api/webhooks/deliveries" },
  { file: "api/webhooks/deliveries/[id]/index.ts", path: "/api/webhooks/deliveries/:id" },
  { file: "api/webhooks/deliveries/[id]/redeliver.ts", path: "/api/webhooks/deliveries/:id/redeliver" },
  { file: "api/webhooks/[id]/index.ts", path: "/api/webhooks/:id" },
  { file: "api/webhooks/[id]/deliveries.ts", path: "/api/webhooks/:id/deliveries" },
  { file: "api/webhooks/[id]/test.ts", path: "/api/webhooks/:id/test" },
  { file: "docs.ts", path: "/docs" },
  { file: "health.ts", path: "/health" },
  { file: "metrics.ts", path: "/metrics" },
  { file: "openapi.json.ts", path: "/openapi.json" },
  { file: "swagger/index.ts", path: "/swagger" },
  { file: "swagger/[file].ts", path: "/swagger/:file" },
  { file: "tokenize.ts", path: "/tokenize" },
  { file: "v1/audio/speech.ts", path: "/v1/audio/speech" },
  { file: "v1/audio/transcriptions.ts", path: "/v1/audio/transcriptions" },
  { file: "v1/audio/translations.ts", path: "/v1/audio/translations" },
  { file: "v1/audio/voices.ts", path: "/v1/audio/voices" },
  { file: "v1/chat/completions.ts", path: "/v1/chat/completions" },
  { file: "v1/completions.ts", path: "/v1/completions" },
  { file: "v1/embeddings.ts", path: "/v1/embeddings" },
  { file: "v1/messages.ts", path: "/v1/messages" },
  { file: "v1/models/index.ts", path: "/v1/models" },
  { file: "v1/models/[...id].ts", path: "/v1/models/*" },
  { file: "v1/rerank.ts", path: "/v1/rerank" },
  { file: "v1/responses.ts", path: "/v1/responses" },
] as const satisfies readonly { readonly file: string; readonly path: string }[];

/** Adds every route to the app. The type of the result is what Eden's client is made of. */
export const registerRoutes = (app: Elysia, services: ControlPlane & Web) => {
  // Through a function, so that a route that takes nothing needs no parameter.
  const from = <Route>(factory: (services: ControlPlane & Web) => Route): Route => factory(services);
  return app
    .group("/api/audit", (group) => group.use(from(apiAuditIndexRoute)))
    .group("/api/audit/export", (group) => group.use(from(apiAuditExportRoute)))
    .group("/api/endpoints", (group) => group.use(from(apiEndpointsRoute)))
    .group("/api/events", (group) => group.use(from(apiEventsRoute)))
    .group("/api/host-keys", (group) => group.use(from(apiHostKeysIndexRoute)))
    .group("/api/host-keys/:node/accept", (group) => group.use(from(apiHostKeysNodeAcceptRoute)))
    .group("/api/models", (group) => group.use(from(apiModelsIndexRoute)))
    .group("/api/nodes/:node/take-over", (group) => group.use(from(apiNodesNodeTakeOverRoute)))
    .group("/api/refused-hosts", (group) => group.use(from(apiRefusedHostsRoute)))
    .group("/api/schedule", (group) => group.use(from(apiScheduleIndexRoute)))
    .group("/api/schedule/:id", (group) => group.use(from(apiScheduleIdRoute)))
    .group("/api/settings", (group) => group.use(from(apiSettingsIndexRoute)))
    .group("/api/settings/services/:name", (group) => group.use(from(apiSettingsServicesNameRoute)))
    .group("/api/setup", (group) => group.use(from(apiSetupIndexRoute)))
    .group("/api/setup/check", (group) => group.use(from(apiSetupCheckRoute)))
    .group("/api/setup/confirm", (group) => group.use(from(apiSetupConfirmRoute)))
    .group("/api/simulated", (group) => group.use(from(apiSimulatedRoute)))
    .group("/api/status", (group) => group.use(from(apiStatusRoute)))
    .group("/api/swap", (group) => group.use(from(apiSwapIndexRoute)))
    .group("/api/swap/lock", (group) => group.use(from(apiSwapLockRoute)))
    .group("/api/swap/plan", (group) => group.use(from(apiSwapPlanRoute)))
    .group("/api/swap/:id", (group) => group.use(from(apiSwapIdIndexRoute)))
    .group("/api/swap/:id/lines", (group) => group.use(from(apiSwapIdLinesRoute)))
    .group("/api/swap/:id/log", (group) => group.use(from(apiSwapIdLogRoute)))
    .group("/api/swap/:id/stream", (group) => group.use(from(apiSwapIdStreamRoute)))
    .group("/api/swap/:id/validate", (group) => group.use(from(apiSwapIdValidateRoute)))
    .group("/api/upgrade", (group) => group.use(from(apiUpgradeRoute)))
    .group("/api/webhooks", (group) => group.use(from(apiWebhooksIndexRoute)))
    .group("/api/webhooks/deliveries", (group) => group.use(from(apiWebhooksDeliveriesIndexRoute)))
    .group("/api/webhooks/deliveries/:id", (group) => group.use(from(apiWebhooksDeliveriesIdIndexRoute)))
    .group("/api/webhooks/deliveries/:id/redeliver", (group) => group.use(from(apiWebhooksDeliveriesIdRedeliverRoute)))
    .group("/api/webhooks/:id", (group) => group.use(from(apiWebhooksIdIndexRoute)))
    .group("/api/webhooks/:id/deliveries", (group) => group.use(from(apiWebhooksIdDeliveriesRoute)))
    .group("/api/webhooks/:id/test", (group) => group.use(from(apiWebhooksIdTestRoute)))
    .group("/docs", (group) => group.use(from(docsRoute)))
    .group("/health", (group) => group.use(from(healthRoute)))
    .group("/metrics", (group) => group.use(from(metricsRoute)))
    .group("/openapi.json", (group) => group.use(from(openapiJsonRoute)))
    .group("/swagger", (group) => group.use(from(swaggerIndexRoute)))
    .group("/swagger/:file", (group) => group.use(from(swaggerFileRoute)))
    .group("/tokenize", (group) => group.use(from(tokenizeRoute)))
    .group("/v1/audio/speech", (group) => group.use(from(v1AudioSpeechRoute)))
    .group("/v1/audio/transcriptions", (group) => group.use(from(v1AudioTranscriptionsRoute)))
    .group("/v1/audio/translations", (group) => group.use(from(v1AudioTranslationsRoute)))
    .group("/v1/audio/voices", (group) => group.use(from(v1AudioVoicesRoute)))
    .group("/v1/chat/completions", (group) => group.use(from(v1ChatCompletionsRoute)))
    .group("/v1/completions", (group) => group.use(from(v1CompletionsRoute)))
    .group("/v1/embeddings", (group) => group.use(from(v1EmbeddingsRoute)))
    .group("/v1/messages", (group) => group.use(from(v1MessagesRoute)))
    .group("/v1/models", (group) => group.use(from(v1ModelsIndexRoute)))
    .group("/v1/models/*", (group) => group.use(from(v1ModelsIdRoute)))
    .group("/v1/rerank", (group) => group.use(from(v1RerankRoute)))
    .group("/v1/responses", (group) => group.use(from(v1ResponsesRoute)));
};
