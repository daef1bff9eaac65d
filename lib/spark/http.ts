/** Short questions to a service on a Spark: an answer or none, within a deadline, never more than 1 MiB. */
import type { HttpAnswer } from "../swap/cluster.ts";

const MOST_BYTES = 1 << 20;
const REFUSED: readonly unknown[] = ["ECONNREFUSED", "ConnectionRefused"];

export async function ask(
  url: string,
  init: RequestInit,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const deadline = AbortSignal.timeout(deadlineMs);
  try {
    const response = await fetch(url, {
      ...init,
      redirect: "manual",
      // A service that restarts leaves dead connections behind; a fresh one tells the truth about the port.
      keepalive: false,
      signal: AbortSignal.any([signal, deadline]),
    });
    const text = await bounded(response);
    return { status: response.status, body: parsed(text, response.headers.get("content-type")) };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const isRefused = REFUSED.includes((error as { code?: unknown } | null)?.code);
    return { status: null, body: null, ...(isRefused ? { isRefused } : {}) };
  }
}

async function bounded(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) break;
    text += decoder.decode(chunk, { stream: true });
  }
  return text;
}

function parsed(text: string, type: string | null): unknown {
  if (!type?.includes("json")) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
