/** The whole app with a gateway that leads to upstreams of a test's own: real HTTP on both sides. */
import { Gateway, type GatewayOptions } from "../../lib/gateway/gateway.ts";
import type { Place } from "../../lib/gateway/route-model.ts";
import type { Limits, ProxiedKind } from "../../lib/gateway/services.ts";
import type { RequestRecord, Sender } from "../../lib/gateway/trace.ts";
import { listen } from "../../lib/http/listen.ts";
import type { Pace } from "../../lib/upload-pace.ts";
import { createApp } from "../../routes/_app.ts";
import { startApp } from "../routes/_app-under-test.ts";

export const MODEL = "acme/model-1";
const MANY = { inFlight: 1_000, queue: 0, waitMs: 10_000 };

export interface GatewayApp {
  readonly url: string;
  readonly gateway: Gateway;
  /** Requests that are over. */
  readonly ended: (RequestRecord & Sender)[];
  /** Lines of the log. */
  readonly logged: readonly string[];
  close(): Promise<void>;
}

export interface GatewayAppOptions {
  /** `http://127.0.0.1:<port>` of the slot `main` and of every service. */
  readonly upstream: string;
  readonly limits?: Partial<Limits>;
  readonly place?: Partial<Place>;
  readonly host?: string;
  readonly addresses?: readonly string[];
  /** Of clients; the product's unless given. */
  readonly pace?: Pace;
  /** Of all bodies together; the product's unless given. */
  readonly mostKeptBytes?: number;
  /** Requests for models that are not loaded; refused unless given. */
  readonly hold?: GatewayOptions["hold"];
  /** Seconds; the product's unless given. */
  readonly idleTimeout?: number;
  /** Of the controller. */
  readonly env?: Readonly<Record<string, string>>;
}

export async function startGatewayApp(options: GatewayAppOptions): Promise<GatewayApp> {
  const {
    upstream,
    limits = {},
    place = {},
    host = null,
    addresses,
    pace,
    idleTimeout,
    mostKeptBytes,
    hold,
    env = {},
  } = options;
  const under = await startApp({ env });
  const ended: (RequestRecord & Sender)[] = [];
  const { hostname, port } = new URL(upstream);
  const service = (kind: ProxiedKind) => ({
    name: `the-${kind}`,
    kind,
    port: Number(port),
    host,
    addresses: async () => addresses ?? [hostname],
  });
  const gateway = new Gateway({
    configured: () => true,
    places: () => [
      { slot: "main", origin: upstream, open: true, served: [MODEL], aliases: ["model-one"], swap: null, ...place },
    ],
    keyOf: (name) => (name === "other" ? "other-key" : null),
    service,
    limits: () => ({ chat: MANY, audio: MANY, text: MANY, ...limits }),
    onEnd: (record, { caller }) => ended.push({ ...record, caller }),
    ...(pace ? { pace } : {}),
    ...(hold ? { hold } : {}),
    ...(mostKeptBytes ? { mostKeptBytes } : {}),
  });
  const app = createApp({ ...under.plane, gateway });
  const { port: own } = listen(app, { port: 0, hostname: "127.0.0.1", ...(idleTimeout ? { idleTimeout } : {}) });
  return {
    url: `http://127.0.0.1:${own}`,
    gateway,
    ended,
    logged: under.logged,
    async close() {
      await app.stop(true);
      await under.close();
    },
  };
}
