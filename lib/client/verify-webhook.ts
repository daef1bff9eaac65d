/**
 * For receivers of Spark Control's webhooks: is this request really from there, and new? Standard Webhooks 1.0.0, with
 * nothing but the Web Crypto API: runs in Bun, Node, Deno and workers.
 */
import type { WebhookPayload } from "../webhook/payload.ts";

export type { WebhookPayload } from "../webhook/payload.ts";

const TOLERANCE_SECONDS = 300;
const PREFIX = "whsec_";

export type WebhookRefusal = "missing_headers" | "too_old" | "too_new" | "wrong_signature" | "not_json";

const SENTENCES: Readonly<Record<WebhookRefusal, string>> = {
  missing_headers: "The request has no webhook-id, webhook-timestamp and webhook-signature.",
  too_old: "The request was signed too long ago: it may be a replay, or a clock is wrong.",
  too_new: "The request was signed in the future: a clock is wrong.",
  wrong_signature: "The signature is not of this secret and this body.",
  not_json: "The body is not JSON.",
};

export class WebhookVerificationError extends Error {
  override readonly name = "WebhookVerificationError";
  constructor(readonly code: WebhookRefusal) {
    super(SENTENCES[code]);
  }
}

type HeaderValues = Headers | Readonly<Record<string, string | readonly string[] | undefined>>;

export interface WebhookRequest {
  /** As it was configured in Spark Control; several while a secret is being replaced. */
  readonly secret: string | readonly string[];
  readonly headers: HeaderValues;
  /** The very bytes that arrived: a body that was parsed and written again does not verify. */
  readonly body: string | Uint8Array;
  /** How far the clocks may be apart, and how late a delivery may arrive. Default 300. */
  readonly toleranceSeconds?: number;
  /** Milliseconds since the epoch. */
  readonly now?: number;
}

/**
 * The message of a request that is authentic and new. Deliveries may come more than once: keep `webhook-id` and skip
 * those that you have seen.
 * @throws WebhookVerificationError
 * @example
 * const message = await verifyWebhook({ secret, headers: request.headers, body: await request.text() });
 * if (message.event === "swap_complete") console.log(message.data.model);
 */
export async function verifyWebhook(request: WebhookRequest): Promise<WebhookPayload> {
  const { headers, toleranceSeconds = TOLERANCE_SECONDS, now = Date.now() } = request;
  const id = headerOf(headers, "webhook-id");
  const timestamp = headerOf(headers, "webhook-timestamp");
  const signature = headerOf(headers, "webhook-signature");
  if (!id || !signature || !timestamp || !/^\d{1,12}$/.test(timestamp))
    throw new WebhookVerificationError("missing_headers");
  const age = Math.floor(now / 1000) - Number(timestamp);
  // Turned round, so that a tolerance that is no number lets nothing through.
  if (!(age <= toleranceSeconds)) throw new WebhookVerificationError("too_old");
  if (age < -toleranceSeconds) throw new WebhookVerificationError("too_new");

  const body = typeof request.body === "string" ? new TextEncoder().encode(request.body) : request.body;
  const signed = joined(new TextEncoder().encode(`${id}.${timestamp}.`), body);
  const secrets = typeof request.secret === "string" ? [request.secret] : request.secret;
  if (!(await isSigned(signed, secrets, signature))) throw new WebhookVerificationError("wrong_signature");
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body)) as WebhookPayload;
  } catch {
    throw new WebhookVerificationError("not_json");
  }
}

function headerOf(headers: HeaderValues, name: string): string | null {
  if (headers instanceof Headers) return headers.get(name);
  const found = Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
  return typeof found === "string" ? found : (found?.[0] ?? null);
}

/** Any of the secrets with any of the signatures: both sides may be in the middle of a change. */
async function isSigned(signed: Uint8Array<ArrayBuffer>, secrets: readonly string[], header: string): Promise<boolean> {
  const signatures = header.split(" ").flatMap((one) => (one.startsWith("v1,") ? (decoded(one.slice(3)) ?? []) : []));
  for (const secret of secrets) {
    const raw = keyOf(secret);
    if (raw.length === 0) continue;
    const key = await crypto.subtle.importKey("raw", raw, { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
    // Compared by the platform, in constant time.
    for (const signature of signatures) if (await crypto.subtle.verify("HMAC", key, signature, signed)) return true;
  }
  return false;
}

/** `whsec_…` is base64; any other secret is its own UTF-8 bytes. */
function keyOf(secret: string): Uint8Array<ArrayBuffer> {
  const raw = secret.startsWith(PREFIX) ? decoded(secret.slice(PREFIX.length)) : null;
  return raw ?? new TextEncoder().encode(secret);
}

function decoded(base64: string): Uint8Array<ArrayBuffer> | null {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}

function joined(head: Uint8Array, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(head.length + body.length);
  whole.set(head);
  whole.set(body, head.length);
  return whole;
}
