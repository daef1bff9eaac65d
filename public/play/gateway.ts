/** Calls of the gateway, as an app makes them. */
import { Refused } from "../api.ts";

export interface GatewayModel {
  readonly id: string;
  readonly kind: "chat" | "asr" | "tts" | "embeddings" | "reranker";
  readonly loaded: boolean;
  readonly voices?: readonly { readonly id: string; readonly name: string }[];
}

/** An answer, whatever its body. @throws Refused with the sentence of OpenAI's envelope; DOMException when it was stopped */
export async function ask(path: string, body: unknown, signal: AbortSignal): Promise<Response> {
  const isForm = body instanceof FormData;
  let response: Response;
  try {
    response = await fetch(path, {
      method: "POST",
      cache: "no-store",
      signal,
      ...(isForm ? { body } : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
    });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Refused("Spark Control cannot be reached.", 0);
  }
  if (response.ok) return response;
  const answer = (await response.json().catch(() => null)) as {
    error?: { message?: unknown };
    detail?: unknown;
  } | null;
  const said = answer?.error?.message ?? answer?.detail;
  throw new Refused(
    typeof said === "string" ? said : `It was answered with status ${response.status}.`,
    response.status,
  );
}

export async function fetchGatewayModels(): Promise<readonly GatewayModel[]> {
  const response = await fetch("/v1/models", { cache: "no-store" }).catch(() => null);
  if (!response?.ok) throw new Refused("The models cannot be listed now.", response?.status ?? 0);
  return ((await response.json()) as { data: GatewayModel[] }).data;
}
