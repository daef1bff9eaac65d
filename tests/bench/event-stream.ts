/** A reader of server-sent events that notes when each arrived. */

export interface Received {
  readonly event: string;
  readonly data: unknown;
  /** `performance.now()` of the chunk that completed it. */
  readonly at: number;
  /** Unix milliseconds of the same moment, to compare with other processes of this machine. */
  readonly wallMs: number;
}

/** Yields what arrives until the stream ends or `signal` aborts (then it just ends). @throws when it cannot be opened */
export async function* readEvents(url: string, signal: AbortSignal): AsyncGenerator<Received, void> {
  const response = await fetch(url, { signal, headers: { accept: "text/event-stream" } });
  if (!response.ok || !response.body) throw new Error(`${url} answered ${response.status}`);
  const decoder = new TextDecoder();
  let pending = "";
  try {
    for await (const chunk of response.body) {
      const at = performance.now();
      const wallMs = performance.timeOrigin + at;
      pending += decoder.decode(chunk, { stream: true });
      const frames = pending.split("\n\n");
      pending = frames.pop() ?? "";
      for (const frame of frames) {
        const data = /^data: (.*)$/m.exec(frame)?.[1];
        if (data === undefined) continue;
        yield { event: /^event: (.*)$/m.exec(frame)?.[1] ?? "message", data: JSON.parse(data), at, wallMs };
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
