/** The services beside vLLM that the gateway leads to, and how they are reached. */
import { Fault } from "../fault.ts";
import type { Limit } from "./admission.ts";
import { PATIENCE, type Patience } from "./patience.ts";
import { requirePrivate } from "./private-address.ts";
import type { Upstream } from "./proxy.ts";

export type ProxiedKind = "asr" | "tts" | "embeddings" | "reranker";

/** A configured service that is not disabled. */
export interface ProxiedService {
  readonly name: string;
  readonly kind: ProxiedKind;
  readonly port: number;
  /** Host name for the `Host` header; null where an address is all that is known. */
  readonly host: string | null;
  /** Its IP addresses, the one to use first. */
  addresses(): Promise<readonly string[]>;
}

export type LimitName = "chat" | "audio" | "text";
export type Limits = Readonly<Record<LimitName, Limit>>;

interface Traits {
  /** For people. */
  readonly what: string;
  readonly limit: LimitName;
  readonly patience: Patience;
  /** What people say must not leave the own network. */
  readonly staysHome: boolean;
}

export const TRAITS: Readonly<Record<ProxiedKind, Traits>> = {
  asr: { what: "speech recognition", limit: "audio", patience: PATIENCE.asr, staysHome: true },
  tts: { what: "speech synthesis", limit: "audio", patience: PATIENCE.tts, staysHome: true },
  embeddings: { what: "embeddings", limit: "text", patience: PATIENCE.text, staysHome: false },
  reranker: { what: "reranking", limit: "text", patience: PATIENCE.text, staysHome: false },
};

export function notConfigured(what: string): Fault {
  return new Fault("unavailable", "not_configured", `${what} is not configured here. See Settings.`);
}

/** @throws Fault when it has no address, or a public one that it may not have */
export async function reach({ name, kind, port, host, addresses }: ProxiedService): Promise<Upstream> {
  const all = await addresses();
  const [address] = all;
  if (address === undefined)
    throw new Fault("upstream", "upstream_unreachable", `${name} cannot be reached: its host name has no address.`);
  if (TRAITS[kind].staysHome) requirePrivate(name, all);
  return {
    name,
    origin: `http://${address.includes(":") ? `[${address}]` : address}:${port}`,
    host: host === null ? null : `${host}:${port}`,
  };
}
