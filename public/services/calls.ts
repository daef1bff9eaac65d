/** Calls about services. */
import type { BotUpdate } from "../../lib/bot/bot-update.ts";
import type { Service, ServiceAction } from "../../lib/service/service.ts";
import { call } from "../api.ts";
import { ownToken } from "../state.ts";

export type { BotUpdate, Service, ServiceAction };

const pathOf = (name: string) => `/api/services/${encodeURIComponent(name)}`;

/** The answer comes when the effect was seen on the Spark. */
export const actOn = (name: string, action: ServiceAction) =>
  call<Service & { readonly job_id: string | null }>("POST", `${pathOf(name)}/${action}`, { token: ownToken() });

export const checkService = (name: string) => call<unknown>("POST", `${pathOf(name)}/deep-check`);

export const fetchServiceLog = (name: string, tail: number) =>
  call<{ readonly lines: readonly { readonly line: string }[] }>("GET", `${pathOf(name)}/logs?tail=${tail}`);

export const downloadOf = (name: string) => `${pathOf(name)}/logs/download`;

/** @throws Refused 404 when there was none yet */
export const fetchUpdate = (name: string) => call<BotUpdate>("GET", `${pathOf(name)}/update`);
export const startUpdate = (name: string) => call<unknown>("POST", `${pathOf(name)}/update`);
export const cancelUpdate = (name: string) => call<unknown>("DELETE", `${pathOf(name)}/update`);
