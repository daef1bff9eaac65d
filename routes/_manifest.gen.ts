// Generated from the files of this folder by lib/routegen/_cli.ts ("bun run generate"). Do not edit.
import type { Elysia } from "elysia";
import type { ControlPlane } from "../lib/control-plane.ts";
import type { Web } from "../lib/http/web.ts";
import apiActivityIndexRoute from "./api/activity/index.ts";
import apiActivityTrafficRoute from "./api/activity/traffic.ts";
import apiAuditIndexRoute from "./api/audit/index.ts";
import apiAuditExportRoute from "./api/audit/export.ts";
import apiConnectivityIndexRoute from "./api/connectivity/index.ts";
import apiConnectivityAvailabilityRoute from "./api/connectivity/availability.ts";
import apiDiagnosticsRoute from "./api/diagnostics.ts";
import apiDownloadsIndexRoute from "./api/downloads/index.ts";
import apiDownloadsIdRoute from "./api/downloads/[id].ts";
import apiEndpointsRoute from "./api/endpoints.ts";
import apiEventsRoute from "./api/events.ts";
import apiHardwareIndexRoute from "./api/hardware/index.ts";
import apiHealthEventRoute from "./api/health-event.ts";
import apiHostKeysIndexRoute from "./api/host-keys/index.ts";
import apiHostKeysNodeAcceptRoute from "./api/host-keys/[node]/accept.ts";
import apiMatrixBridgeLogsRoute from "./api/matrix-bridge/logs.ts";
import apiMatrixBridgeUpdateIndexRoute from "./api/matrix-bridge/update/index.ts";
import apiMatrixBridgeUpdateStreamRoute from "./api/matrix-bridge/update/stream.ts";
import apiModelsIndexRoute from "./api/models/index.ts";
import apiModelsSuggestRoute from "./api/models/suggest.ts";
import apiModelsKeyIndexRoute from "./api/models/[key]/index.ts";
import apiModelsKeyFilesRoute from "./api/models/[key]/files.ts";
import apiModelsKeyRestoreRoute from "./api/models/[key]/restore.ts";
import apiNodesNodeTakeOverRoute from "./api/nodes/[node]/take-over.ts";
import apiNodesNodeWakeRoute from "./api/nodes/[node]/wake.ts";
import apiRefusedHostsRoute from "./api/refused-hosts.ts";
import apiScheduleIndexRoute from "./api/schedule/index.ts";
import apiScheduleIdRoute from "./api/schedule/[id].ts";
import apiServicesIndexRoute from "./api/services/index.ts";
import apiServicesCheckRoute from "./api/services/check.ts";
import apiServicesDeepCheckRoute from "./api/services/deep-check.ts";
import apiServicesNameIndexRoute from "./api/services/[name]/index.ts";
import apiServicesNameCheckRoute from "./api/services/[name]/check.ts";
import apiServicesNameDeepCheckRoute from "./api/services/[name]/deep-check.ts";
import apiServicesNameLogsIndexRoute from "./api/services/[name]/logs/index.ts";
import apiServicesNameLogsDownloadRoute from "./api/services/[name]/logs/download.ts";
import apiServicesNameLogsStreamRoute from "./api/services/[name]/logs/stream.ts";
import apiServicesNameRestartRoute from "./api/services/[name]/restart.ts";
import apiServicesNameStartRoute from "./api/services/[name]/start.ts";
import apiServicesNameStopRoute from "./api/services/[name]/stop.ts";
import apiServicesNameUpdateIndexRoute from "./api/services/[name]/update/index.ts";
import apiServicesNameUpdateStreamRoute from "./api/services/[name]/update/stream.ts";
import apiSettingsIndexRoute from "./api/settings/index.ts";
import apiSettingsServicesNameRoute from "./api/settings/services/[name].ts";
import apiSettingsSlotsNameRoute from "./api/settings/slots/[name].ts";
import apiSetupIndexRoute from "./api/setup/index.ts";
import apiSetupCheckRoute from "./api/setup/check.ts";
import apiSetupConfirmRoute from "./api/setup/confirm.ts";
import apiSimulatedRoute from "./api/simulated.ts";
import apiStatusRoute from "./api/status.ts";
import apiSwapIndexRoute from "./api/swap/index.ts";
import apiSwapLockRoute from "./api/swap/lock.ts";
import apiSwapPlanRoute from "./api/swap/plan.ts";
import apiSwapIdIndexRoute from "./api/swap/[id]/index.ts";
import apiSwapIdDrainRoute from "./api/swap/[id]/drain.ts";
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
  { file: "api/activity/index.ts", path: "/api/activity" },
  { file: "api/activity/traffic.ts", path: "/api/activity/traffic" },
  { file: "api/audit/index.ts", path: "/api/audit" },
  { file: "api/audit/export.ts", path: "/api/audit/export" },
  { file: "api/connectivity/index.ts", path: "/api/connectivity" },
  { file: "api/connectivity/availability.ts", path: "/api/connectivity/availability" },
  { file: "api/diagnostics.ts", path: "/api/diagnostics" },
  { file: "api/downloads/index.ts", path: "/api/downloads" },
  { file: "api/downloads/[id].ts", path: "/api/downloads/:id" },
  { file: "api/endpoints.ts", path: "/api/endpoints" },
  { file: "api/events.ts", path: "/api/events" },
  { file: "api/hardware/index.ts", path: "/api/hardware" },
  { file: "api/health-event.ts", path: "/api/health-event" },
  { file: "api/host-keys/index.ts", path: "/api/host-keys" },
  { file: "api/host-keys/[node]/accept.ts", path: "/api/host-keys/:node/accept" },
  { file: "api/matrix-bridge/logs.ts", path: "/api/matrix-bridge/logs" },
  { file: "api/matrix-bridge/update/index.ts", path: "/api/matrix-bridge/update" },
  { file: "api/matrix-bridge/update/stream.ts", path: "/api/matrix-bridge/update/stream" },
  { file: "api/models/index.ts", path: "/api/models" },
  { file: "api/models/suggest.ts", path: "/api/models/suggest" },
  { file: "api/models/[key]/index.ts", path: "/api/models/:key" },
  { file: "api/models/[key]/files.ts", path: "/api/models/:key/files" },
  { file: "api/models/[key]/restore.ts", path: "/api/models/:key/restore" },
  { file: "api/nodes/[node]/take-over.ts", path: "/api/nodes/:node/take-over" },
  { file: "api/nodes/[node]/wake.ts", path: "/api/nodes/:node/wake" },
  { file: "api/refused-hosts.ts", path: "/api/refused-hosts" },
  { file: "api/schedule/index.ts", path: "/api/schedule" },
  { file: "api/schedule/[id].ts", path: "/api/schedule/:id" },
  { file: "api/services/index.ts", path: "/api/services" },
  { file: "api/services/check.ts", path: "/api/services/check" },
  { file: "api/services/deep-check.ts", path: "/api/services/deep-check" },
  { file: "api/services/[name]/index.ts", path: "/api/services/:name" },
  { file: "api/services/[name]/check.ts", path: "/api/services/:name/check" },
  { file: "api/services/[name]/deep-check.ts", path: "/api/services/:name/deep-check" },
  { file: "api/services/[name]/logs/index.ts", path: "/api/services/:name/logs" },
  { file: "api/services/[name]/logs/download.ts", path: "/api/services/:name/logs/download" },
  { file: "api/services/[name]/logs/stream.ts", path: "/api/services/:name/logs/stream" },
  { file: "api/services/[name]/restart.ts", path: "/api/services/:name/restart" },
  { file: "api/services/[name]/start.ts", path: "/api/services/:name/start" },
  { file: "api/services/[name]/stop.ts", path: "/api/services/:name/stop" },
  { file: "api/services/[name]/update/index.ts", path: "/api/services/:name/update" },
  { file: "api/services/[name]/update/stream.ts", path: "/api/services/:name/update/stream" },
  { file: "api/settings/index.ts", path: "/api/settings" },
  { file: "api/settings/services/[name].ts", path: "/api/settings/services/:name" },
  { file: "api/settings/slots/[name].ts", path: "/api/settings/slots/:name" },
  { file: "api/setup/index.ts", path: "/api/setup" },
  { file: "api/setup/check.ts", path: "/api/setup/check" },
  { file: "api/setup/confirm.ts", path: "/api/setup/confirm" },
  { file: "api/simulated.ts", path: "/api/simulated" },
  { file: "api/status.ts", path: "/api/status" },
  { file: "api/swap/index.ts", path: "/api/swap" },
  { file: "api/swap/lock.ts", path: "/api/swap/lock" },
  { file: "api/swap/plan.ts", path: "/api/swap/plan" },
  { file: "api/swap/[id]/index.ts", path: "/api/swap/:id" },
  { file: "api/swap/[id]/drain.ts", path: "/api/swap/:id/drain" },
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
    .group("/api/activity", (group) => group.use(from(apiActivityIndexRoute)))
    .group("/api/activity/traffic", (group) => group.use(from(apiActivityTrafficRoute)))
    .group("/api/audit", (group) => group.use(from(apiAuditIndexRoute)))
    .group("/api/audit/export", (group) => group.use(from(apiAuditExportRoute)))
    .group("/api/connectivity", (group) => group.use(from(apiConnectivityIndexRoute)))
    .group("/api/connectivity/availability", (group) => group.use(from(apiConnectivityAvailabilityRoute)))
    .group("/api/diagnostics", (group) => group.use(from(apiDiagnosticsRoute)))
    .group("/api/downloads", (group) => group.use(from(apiDownloadsIndexRoute)))
    .group("/api/downloads/:id", (group) => group.use(from(apiDownloadsIdRoute)))
    .group("/api/endpoints", (group) => group.use(from(apiEndpointsRoute)))
    .group("/api/events", (group) => group.use(from(apiEventsRoute)))
    .group("/api/hardware", (group) => group.use(from(apiHardwareIndexRoute)))
    .group("/api/health-event", (group) => group.use(from(apiHealthEventRoute)))
    .group("/api/host-keys", (group) => group.use(from(apiHostKeysIndexRoute)))
    .group("/api/host-keys/:node/accept", (group) => group.use(from(apiHostKeysNodeAcceptRoute)))
    .group("/api/matrix-bridge/logs", (group) => group.use(from(apiMatrixBridgeLogsRoute)))
    .group("/api/matrix-bridge/update", (group) => group.use(from(apiMatrixBridgeUpdateIndexRoute)))
    .group("/api/matrix-bridge/update/stream", (group) => group.use(from(apiMatrixBridgeUpdateStreamRoute)))
    .group("/api/models", (group) => group.use(from(apiModelsIndexRoute)))
    .group("/api/models/suggest", (group) => group.use(from(apiModelsSuggestRoute)))
    .group("/api/models/:key", (group) => group.use(from(apiModelsKeyIndexRoute)))
    .group("/api/models/:key/files", (group) => group.use(from(apiModelsKeyFilesRoute)))
    .group("/api/models/:key/restore", (group) => group.use(from(apiModelsKeyRestoreRoute)))
    .group("/api/nodes/:node/take-over", (group) => group.use(from(apiNodesNodeTakeOverRoute)))
    .group("/api/nodes/:node/wake", (group) => group.use(from(apiNodesNodeWakeRoute)))
    .group("/api/refused-hosts", (group) => group.use(from(apiRefusedHostsRoute)))
    .group("/api/schedule", (group) => group.use(from(apiScheduleIndexRoute)))
    .group("/api/schedule/:id", (group) => group.use(from(apiScheduleIdRoute)))
    .group("/api/services", (group) => group.use(from(apiServicesIndexRoute)))
    .group("/api/services/check", (group) => group.use(from(apiServicesCheckRoute)))
    .group("/api/services/deep-check", (group) => group.use(from(apiServicesDeepCheckRoute)))
    .group("/api/services/:name", (group) => group.use(from(apiServicesNameIndexRoute)))
    .group("/api/services/:name/check", (group) => group.use(from(apiServicesNameCheckRoute)))
    .group("/api/services/:name/deep-check", (group) => group.use(from(apiServicesNameDeepCheckRoute)))
    .group("/api/services/:name/logs", (group) => group.use(from(apiServicesNameLogsIndexRoute)))
    .group("/api/services/:name/logs/download", (group) => group.use(from(apiServicesNameLogsDownloadRoute)))
    .group("/api/services/:name/logs/stream", (group) => group.use(from(apiServicesNameLogsStreamRoute)))
    .group("/api/services/:name/restart", (group) => group.use(from(apiServicesNameRestartRoute)))
    .group("/api/services/:name/start", (group) => group.use(from(apiServicesNameStartRoute)))
    .group("/api/services/:name/stop", (group) => group.use(from(apiServicesNameStopRoute)))
    .group("/api/services/:name/update", (group) => group.use(from(apiServicesNameUpdateIndexRoute)))
    .group("/api/services/:name/update/stream", (group) => group.use(from(apiServicesNameUpdateStreamRoute)))
    .group("/api/settings", (group) => group.use(from(apiSettingsIndexRoute)))
    .group("/api/settings/services/:name", (group) => group.use(from(apiSettingsServicesNameRoute)))
    .group("/api/settings/slots/:name", (group) => group.use(from(apiSettingsSlotsNameRoute)))
    .group("/api/setup", (group) => group.use(from(apiSetupIndexRoute)))
    .group("/api/setup/check", (group) => group.use(from(apiSetupCheckRoute)))
    .group("/api/setup/confirm", (group) => group.use(from(apiSetupConfirmRoute)))
    .group("/api/simulated", (group) => group.use(from(apiSimulatedRoute)))
    .group("/api/status", (group) => group.use(from(apiStatusRoute)))
    .group("/api/swap", (group) => group.use(from(apiSwapIndexRoute)))
    .group("/api/swap/lock", (group) => group.use(from(apiSwapLockRoute)))
    .group("/api/swap/plan", (group) => group.use(from(apiSwapPlanRoute)))
    .group("/api/swap/:id", (group) => group.use(from(apiSwapIdIndexRoute)))
    .group("/api/swap/:id/drain", (group) => group.use(from(apiSwapIdDrainRoute)))
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
