/** Calls about the Sparks themselves. */
import type { Static } from "@sinclair/typebox";
import type { Window } from "../../lib/connectivity/availability.ts";
import type { AvailabilitySchema, ConnectivityEvent, ConnectivitySchema } from "../../lib/connectivity/wire.ts";
import type { HardwareCard } from "../../lib/hardware/card.ts";
import type { HistoryData } from "../../lib/hardware/history.ts";
import type { HeadLogin } from "../../lib/setup/head-logins.ts";
import { call } from "../api.ts";

export type { ConnectivityEvent, HardwareCard, HeadLogin, HistoryData, Window };
export type Connectivity = Static<typeof ConnectivitySchema>;
export type Availability = Static<typeof AvailabilitySchema>;

export interface Hardware {
  readonly cards: readonly (HardwareCard & { readonly history: HistoryData | null })[];
  readonly logins: readonly HeadLogin[];
  /** Lets Spark Control in where it is pasted. */
  readonly authorize_line: string;
}

export const fetchHardware = () => call<Hardware>("GET", "/api/hardware");
/** @param before ISO 8601; only what happened earlier */
export const fetchConnectivity = (limit: number, before?: string) =>
  call<Connectivity>(
    "GET",
    `/api/connectivity?limit=${limit}${before === undefined ? "" : `&before=${encodeURIComponent(before)}`}`,
  );
export const fetchAvailability = (window: Window) =>
  call<Availability>("GET", `/api/connectivity/availability?window=${window}`);
export const wakeNode = (node: string) => call<unknown>("POST", `/api/nodes/${encodeURIComponent(node)}/wake`);
