/** Everything that changes, as it changes: `/api/events` with its silences and breaks taken care of. */

import { anySignal } from "./any-signal.ts";
import { type SparkControl, sparkControl } from "./client.ts";
import { pause } from "./pause.ts";
import { raced } from "./raced.ts";

/** The server says `beat` every 2 s: so long without a word is a cut, of which a pulled cable says nothing. */
const SILENCE_MS = 15_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

type Answer = Awaited<ReturnType<SparkControl["api"]["events"]["get"]>>;
type Sent = NonNullable<Answer["data"]> extends AsyncGenerator<infer Event> ? Event : never;

/** `event` names what `data` is; `snapshot` comes first, and again after each break. */
export type SparkEvent = Exclude<Sent, { event?: undefined } | { event: "beat" } | { event: "error" }>;

export interface FollowOptions {
  /** Ends the stream: the loop over it ends without an error. */
  readonly signal?: AbortSignal;
  /** Told at each break, before it connects again. */
  readonly onBreak?: (why: string) => void;
  /** So long without a word is a break. Milliseconds, default 15 000. */
  readonly silenceMs?: number;
}

/**
 * Never ends by itself: after a break it connects again, after pauses that double up to 30 s, and begins with a `snapshot`,
 * so that nothing that was missed matters.
 * @param where base URL, or a client of it
 * @example
 * for await (const { event, data } of followEvents("http://spark-control.local:9999", { signal })) {
 *   if (event === "slot") console.log(data.name, data.state);
 * }
 */
export async function* followEvents(
  where: string | SparkControl,
  { signal, onBreak, silenceMs = SILENCE_MS }: FollowOptions = {},
): AsyncGenerator<SparkEvent, void, undefined> {
  const client = typeof where === "string" ? sparkControl(where) : where;
  let pauseMs = FIRST_PAUSE_MS;
  while (!signal?.aborted) {
    const silence = new AbortController();
    const { signal: both, leave } = anySignal([signal, silence.signal]);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const heard = () => {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), silenceMs);
    };
    let why = "The stream ended.";
    heard();
    try {
      const { data, error } = await raced(client.api.events.get({ fetch: { signal: both } }), both);
      if (error) why = `Spark Control answered ${String(error.status)}.`;
      for await (const sent of data ? heardUntil(data, both) : []) {
        heard();
        if (sent.event === undefined || sent.event === "beat") continue;
        if (sent.event === "error") {
          why = sent.data.detail;
          break;
        }
        pauseMs = FIRST_PAUSE_MS;
        // The time of a consumer that is busy with it is no silence.
        clearTimeout(timer);
        yield sent;
        heard();
      }
    } catch (error) {
      why = error instanceof Error ? error.message : String(error);
    } finally {
      clearTimeout(timer);
      // Whoever leaves the loop leaves the stream.
      const wasSilent = silence.signal.aborted;
      silence.abort();
      leave();
      if (wasSilent) why = `Nothing was heard for ${silenceMs} ms.`;
    }
    if (signal?.aborted) return;
    onBreak?.(why);
    await pause(pauseMs * (0.5 + Math.random() / 2), signal).catch(() => undefined);
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }
}

/** What it says, until the signal aborts: for a stream that may not listen to its signal. @throws the signal's reason */
async function* heardUntil<T>(
  stream: AsyncGenerator<T, unknown, unknown>,
  signal: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  try {
    while (true) {
      const { done, value } = await raced(stream.next(), signal);
      if (done) return;
      yield value;
    }
  } finally {
    // Not waited for: the return of one that does not listen comes after its next word.
    void stream.return(undefined).catch(() => undefined);
  }
}
