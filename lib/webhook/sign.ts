/**
 * Signatures of a delivery. Standard Webhooks 1.0.0 ("Signature scheme": HMAC-SHA256 over `id.timestamp.body`, header
 * `webhook-signature: v1,<base64>`, several separated by spaces), and beside it `X-Spark-Signature: sha256=<hex
 * HMAC-SHA256 of the body>`, which older receivers know.
 */
import { createHmac, randomBytes } from "node:crypto";

const PREFIX = "whsec_";
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const SECRET_BYTES = 32;

export interface Signed {
  /** `webhook-id`: the same at every attempt. */
  readonly id: string;
  /** Seconds since the epoch, of this attempt: receivers refuse old ones. */
  readonly timestamp: number;
  readonly body: string;
  /** Valid secrets, the newest first. */
  readonly secrets: readonly string[];
  /** 1-based. */
  readonly attempt: number;
}

/** A new secret as Standard Webhooks writes it. */
export const makeSecret = (): string => PREFIX + randomBytes(SECRET_BYTES).toString("base64");

/** False for a `whsec_` secret that a receiver could not decode. */
export function isUsableSecret(secret: string): boolean {
  if (!secret.startsWith(PREFIX)) return secret !== "";
  const text = secret.slice(PREFIX.length);
  return text !== "" && BASE64.test(text);
}

/** `whsec_…` is decoded; any other secret is its own UTF-8 bytes. */
export function standardKey(secret: string): Buffer {
  const encoded = secret.startsWith(PREFIX) && isUsableSecret(secret);
  return encoded ? Buffer.from(secret.slice(PREFIX.length), "base64") : Buffer.from(secret, "utf8");
}

const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text, "utf8");

/** Headers of one attempt. Without a secret it is not signed. */
export function signatureHeaders({ id, timestamp, body, secrets, attempt }: Signed): Record<string, string> {
  const headers: Record<string, string> = { "webhook-id": id, "webhook-timestamp": String(timestamp) };
  if (secrets.length === 0) return headers;
  headers["webhook-signature"] = secrets
    .map((secret) => `v1,${hmac(standardKey(secret), `${id}.${timestamp}.${body}`).digest("base64")}`)
    .join(" ");
  // This header has room for one signature. While two secrets are valid the attempts alternate, so that a receiver that
  // knows either of them accepts one attempt out of two.
  const spark = secrets[(attempt - 1) % secrets.length]!;
  headers["x-spark-signature"] = `sha256=${hmac(Buffer.from(spark, "utf8"), body).digest("hex")}`;
  return headers;
}
