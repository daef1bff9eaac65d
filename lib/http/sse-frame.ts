/** Frames of `text/event-stream` (HTML Living Standard, "Server-sent events"). */
export interface SseMessage {
  /** Sent as JSON, always on one line. */
  readonly data: unknown;
  /** Name of the event; without it the browser fires `message`. */
  readonly event?: string;
  /** Comes back in `Last-Event-ID` when the browser reconnects. */
  readonly id?: string | number;
}

const encoder = new TextEncoder();
/** A line break would end the field and begin a forged one. */
const line = (value: string | number) => String(value).replace(/[\r\n\0]/g, " ");

/** What many streams are told is one object: it is serialised for the first of them. */
const frames = new WeakMap<SseMessage, Uint8Array>();

export function frame(message: SseMessage): Uint8Array {
  let bytes = frames.get(message);
  if (!bytes) {
    bytes = encode(message);
    frames.set(message, bytes);
  }
  return bytes;
}

function encode({ data, event, id }: SseMessage): Uint8Array {
  const head = `${id === undefined ? "" : `id: ${line(id)}\n`}${event === undefined ? "" : `event: ${line(event)}\n`}`;
  return encoder.encode(`${head}data: ${JSON.stringify(data) ?? "null"}\n\n`);
}

export const retryFrame = (milliseconds: number): Uint8Array => encoder.encode(`retry: ${milliseconds}\n\n`);

/** A comment: keeps proxies and sockets awake, and no client sees it. */
export const HEARTBEAT = encoder.encode(": \n\n");
