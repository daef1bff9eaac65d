/** What the proxied routes share: who asks, and how they are described. The body passes unread. */
import { type TSchema, Type } from "@sinclair/typebox";
import type { Asker } from "../../lib/gateway/trace.ts";
import { textOf } from "../../lib/http/audit-trail.ts";
import { maySilence } from "../../lib/http/idle-time.ts";
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
class RequestAsker implements Asker {
  constructor(
    private readonly request: Request,
    private readonly server: Server,
    private readonly config: Pick<LiveConfig, "current">,
  ) {}

  caller(): string {
    const { headers } = this.request;
    const key = headers.get("authorization") ?? headers.get("x-api-key");
    if (key !== null) return `key ${Bun.hash(key).toString(36)}`;
    return this.#address() ?? "unknown";
  }

  from() {
    return { address: this.#address(), userAgent: textOf(this.request.headers.get("user-agent")) };
  }

  maySilence(may: boolean): void {
    maySilence(this.server, this.request, may);
  }

  product(): string {
    return callerOf(this.request);
  }

  token(): string | null {
    return this.request.headers.get("x-swap-lock-token");
  }

  mayBegin(): boolean {
    return isOwnRequest(this.request.headers);
  }

  #address(): string | null {
    const address = this.server?.requestIP(this.request)?.address;
    if (address === undefined) return null;
    const { trusted_proxies } = this.config.current.topology.settings;
    if (trusted_proxies.length === 0) return plainAddress(address);
    return clientAddress(address, this.request.headers.get("x-forwarded-for"), trusted_proxies);
  }
}

export const askerOf = (request: Request, server: Server, config: Pick<LiveConfig, "current">): Asker =>
  new RequestAsker(request, server, config);

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
