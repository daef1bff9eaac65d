/** The `settings` section of topology.yaml, with ALLOWED_HOSTS, CORS_ORIGINS and TRUSTED_PROXIES added to its lists. */
import {
  accept,
  acceptItems,
  type Environment,
  environmentList,
  type Field,
  fieldsAt,
  type ProblemLog,
} from "../config/fields.ts";
import { SettingsFields } from "../config/topology-schema.ts";
import type { YamlDocument } from "../config/yaml-document.ts";
import type { Settings } from "./topology.ts";

export const SETTING_DEFAULTS = {
  stall_seconds: 600,
  drain_seconds: 60,
  load_limit_seconds: 3600,
  memory_reserve_gib: 4,
  gateway_chat_in_flight: 128,
  gateway_chat_queue: 256,
  gateway_audio_in_flight: 2,
  gateway_audio_queue: 32,
  gateway_text_in_flight: 16,
  gateway_text_queue: 128,
  gateway_queue_seconds: 120,
  probe_seconds: 10,
  deep_check_minutes: 60,
  service_start_seconds: 180,
  update_limit_seconds: 1500,
  gateway_hold_seconds: 900,
  gateway_dwell_seconds: 300,
} as const;

export const LIST_VARIABLES = {
  allowed_hosts: "ALLOWED_HOSTS",
  cors_origins: "CORS_ORIGINS",
  trusted_proxies: "TRUSTED_PROXIES",
} as const;
const { properties } = SettingsFields;

/** A malformed value falls back to its default; a malformed item is left out of its list. */
export function loadSettings(
  field: Field | undefined,
  document: YamlDocument,
  env: Environment,
  log: ProblemLog,
): Settings {
  const instead = "The defaults are used.";
  const fields = field && fieldsAt(document, ["settings"], field.value, SettingsFields, log, { instead });
  const number = (key: keyof typeof SETTING_DEFAULTS): number =>
    accept(properties[key], fields?.get(key), log, `Uses ${SETTING_DEFAULTS[key]} instead.`) ?? SETTING_DEFAULTS[key];
  const list = (key: keyof typeof LIST_VARIABLES): readonly string[] => {
    const type = properties[key];
    const items = [fields?.get(key), environmentList(env, LIST_VARIABLES[key])].flatMap((one) =>
      acceptItems(type, one, log),
    );
    return [...new Set(items)];
  };
  return {
    stall_seconds: number("stall_seconds"),
    drain_seconds: number("drain_seconds"),
    drain_on_timeout:
      accept(properties.drain_on_timeout, fields?.get("drain_on_timeout"), log, "Uses ask instead.") ?? "ask",
    load_limit_seconds: number("load_limit_seconds"),
    memory_reserve_gib: number("memory_reserve_gib"),
    gateway_chat_in_flight: number("gateway_chat_in_flight"),
    gateway_chat_queue: number("gateway_chat_queue"),
    gateway_audio_in_flight: number("gateway_audio_in_flight"),
    gateway_audio_queue: number("gateway_audio_queue"),
    gateway_text_in_flight: number("gateway_text_in_flight"),
    gateway_text_queue: number("gateway_text_queue"),
    gateway_queue_seconds: number("gateway_queue_seconds"),
    probe_seconds: number("probe_seconds"),
    deep_check_minutes: number("deep_check_minutes"),
    service_start_seconds: number("service_start_seconds"),
    update_limit_seconds: number("update_limit_seconds"),
    auto_restart_vllm:
      accept(properties.auto_restart_vllm, fields?.get("auto_restart_vllm"), log, "Uses false instead.") ?? false,
    gateway_hold_seconds: number("gateway_hold_seconds"),
    gateway_dwell_seconds: number("gateway_dwell_seconds"),
    gateway_limit:
      accept(properties.gateway_limit, fields?.get("gateway_limit"), log, "Uses fixed instead.") ?? "fixed",
    gateway_routing:
      accept(properties.gateway_routing, fields?.get("gateway_routing"), log, "Uses refuse instead.") ?? "refuse",
    // As the Host header is compared: lower-cased, without the root's dot.
    allowed_hosts: list("allowed_hosts").map((host) => host.toLowerCase().replace(/\.$/, "")),
    cors_origins: list("cors_origins"),
    trusted_proxies: list("trusted_proxies"),
  };
}
