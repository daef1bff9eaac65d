/** One streamed chat: text as it comes, and the figures of it. */
import { Refused } from "../api.ts";
import { EventReader } from "./events.ts";
import { ask } from "./gateway.ts";

export interface Message {
  readonly role: "user" | "assistant";
  readonly content: string;
}

export interface Figures {
  /** From the question to the first text, in ms; null before it. */
  readonly firstMs: number | null;
  /** Of the answer, as the model tells; null when it does not. */
  readonly tokens: number | null;
  /** After the first one; null when it cannot be told. */
  readonly tokensPerSecond: number | null;
}

interface Chunk {
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string | null; readonly reasoning_content?: string | null };
  }[];
  readonly usage?: { readonly completion_tokens?: number } | null;
  readonly error?: { readonly message?: string };
}

/**
 * @param onText called with each piece; `thinking` for what a model says to itself
 * @throws Refused what the gateway or the model says; DOMException when stopped
 */
export async function chat(
  model: string,
  messages: readonly Message[],
  signal: AbortSignal,
  onText: (piece: string, thinking: boolean) => void,
): Promise<Figures> {
  const began = performance.now();
  let firstMs: number | null = null;
  let lastMs = 0;
  let tokens: number | null = null;
  const response = await ask(
    "/v1/chat/completions",
    { model, messages, stream: true, stream_options: { include_usage: true } },
    signal,
  );
  const take = (chunk: Chunk) => {
    if (chunk.error) throw new Refused(chunk.error.message ?? "The answer broke off.", 0);
    tokens = chunk.usage?.completion_tokens ?? tokens;
    const { content, reasoning_content } = chunk.choices?.[0]?.delta ?? {};
    const piece = content || reasoning_content;
    if (!piece) return;
    lastMs = performance.now() - began;
    firstMs ??= lastMs;
    onText(piece, !content);
  };
  await readEvents(response, (data) => take(JSON.parse(data) as Chunk));
  const seconds = firstMs === null ? 0 : (lastMs - firstMs) / 1000;
  const tokensPerSecond = tokens !== null && tokens > 1 && seconds > 0 ? (tokens - 1) / seconds : null;
  return { firstMs, tokens, tokensPerSecond };
}

async function readEvents(response: Response, take: (data: string) => void): Promise<void> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (!reader) return;
  const events = new EventReader();
  for (;;) {
    const { done, value } = await reader.read().catch((error: unknown) => {
      if (error instanceof DOMException) throw error;
      throw new Refused("The connection broke off in the middle of the answer.", 0);
    });
    if (done) return;
    for (const { data } of events.push(value)) if (data !== "[DONE]") take(data);
  }
}
