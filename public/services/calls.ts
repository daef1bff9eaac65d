/** Calls about services. */
import type { Static } from "@sinclair/typebox";
import type { BotUpdate } from "../../lib/bot/bot-update.ts";
import type { Service, ServiceAction } from "../../lib/service/service.ts";
import type { EndpointsSchema } from "../../lib/status.ts";
import { call } from "../api.ts";
import { ownToken } from "../state.ts";

export type { BotUpdate, Service, ServiceAction };

const pathOf = (name: string) => `/api/services/${encodeURIComponent(name)}`;

/** The answer comes when the effect was seen on the Spark. */
export const actOn = (name: string, action: ServiceAction) =>
  call<Service & { readonly job_id: string | null; readonly cut_off: number | null }>(
    "POST",
    `${pathOf(name)}/${action}`,
    { token: ownToken() },
  );

export const checkService = (name: string) => call<unknown>("POST", `${pathOf(name)}/deep-check`);

export const fetchServiceLog = (name: string, tail: number) =>
  call<{ readonly lines: readonly { readonly line: string }[] }>("GET", `${pathOf(name)}/logs?tail=${tail}`);

/** Of an event stream. */
export const logStreamOf = (name: string, tail: number) => `${pathOf(name)}/logs/stream?tail=${tail}`;

export const downloadOf = (name: string) => `${pathOf(name)}/logs/download`;

/** Names of those that are hidden: only where everything is says them. */
export const fetchHidden = async (): Promise<readonly string[]> => {
  const { endpoints } = await call<Static<typeof EndpointsSchema>>("GET", "/api/endpoints");
  return endpoints.filter(({ disabled }) => disabled).map(({ name }) => name);
};

/** Of an event stream. */
export const outputOf = (name: string) => `${pathOf(name)}/update/stream`;
export const startUpdate = (name: string) => call<unknown>("POST", `${pathOf(name)}/update`);
export const cancelUpdate = (name: string) => call<unknown>("DELETE", `${pathOf(name)}/update`);
