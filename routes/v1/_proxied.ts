/** What the proxied routes share: who asks, and how they are described. The body passes unread. */
import { type TSchema, Type } from "@sinclair/typebox";
import type { Asker } from "../../lib/gateway/trace.ts";
import { textOf } from "../../lib/http/audit-trail.ts";
import { idleSecondsOf } from "../../lib/http/listen.ts";
import { clientAddress, plainAddress } from "../../lib/http/peer.ts";
import { isOwnRequest } from "../../lib/http/same-origin.ts";
import { openAiErrors } from "../../lib/http/schemas.ts";
import type { LiveConfig } from "../../lib/live-config.ts";
import { callerOf } from "../api/swap/_caller.ts";

/** Null in tests without a listening server. */
type Server = {
  timeout(request: Request, seconds: number): void;
  requestIP(request: Request): { readonly address: string } | null;
} | null;

/** One API key is one caller, wherever it is used; without one, an address is: behind a trusted proxy, the one that it names. */
export function askerOf(request: Request, server: Server, { current }: Pick<LiveConfig, "current">): Asker {
  const addressOf = () => {
    const address = server?.requestIP(request)?.address;
    if (address === undefined) return null;
    const { trusted_proxies } = current.topology.settings;
    if (trusted_proxies.length === 0) return plainAddress(address);
    return clientAddress(address, request.headers.get("x-forwarded-for"), trusted_proxies);
  };
  return {
    caller() {
      const key = request.headers.get("authorization") ?? request.headers.get("x-api-key");
      if (key !== null) return `key ${Bun.hash(key).toString(36)}`;
      return addressOf() ?? "unknown";
    },
    from: () => ({ address: addressOf(), userAgent: textOf(request.headers.get("user-agent")) }),
    maySilence: (may) => server?.timeout(request, may ? 0 : idleSecondsOf(server)),
    product: () => callerOf(request),
    token: () => request.headers.get("x-swap-lock-token"),
    mayBegin: () => isOwnRequest(request.headers),
  };
}

/** A path at the upstream, with the query as it came. */
export function withQuery(request: Request, path: string): string {
  const query = request.url.indexOf("?");
  return query === -1 ? path : path + request.url.slice(query);
}

interface Description {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tags: string[];
  /** Fields of the body that matter here; what else is in it passes too. */
  readonly body?: Record<string, TSchema>;
  readonly form?: boolean;
  /** Media type of the answer, JSON unless told. */
  readonly answers?: string;
}

/** An answer that comes from the upstream as it is. */
const Passed = (contentMediaType: string) =>
  Type.Unsafe<Response>(Type.Any({ contentMediaType, description: "The upstream's answer, byte for byte" }));

/** Options of a proxied route. */
export function proxied({ body, form = false, answers = "application/json", ...about }: Description) {
  const schema = body && JSON.parse(JSON.stringify(Type.Object(body, { additionalProperties: true })));
  const type = form ? "multipart/form-data" : "application/json";
  return {
    parse: "none" as const,
    response: { 200: Passed(answers), ...openAiErrors(400, 404, 408, 413, 423, 502, 503, 504) },
    detail: { ...about, ...(schema ? { requestBody: { required: true, content: { [type]: { schema } } } } : {}) },
  };
}

export const ModelName = Type.String({ description: "Name, key or alias of a loaded model" });
export const Messages = Type.Array(Type.Object({ role: Type.String() }, { additionalProperties: true }));
export const Stream = Type.Optional(Type.Boolean({ description: "Answer as server-sent events" }));
export const AudioFile = Type.String({ contentMediaType: "application/octet-stream", description: "At most 200 MB" });
