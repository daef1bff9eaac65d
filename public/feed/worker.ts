/**
 * Shared by all tabs of a browser: one event stream for all of them, because browsers allow six connections to a host.
 * A tab says `join` when it is looked at and `leave` when it is not; the stream is closed when nobody is left.
 */
import { EventStream, type FeedMessage } from "./event-stream.ts";
import { type FromTab, TAB_SILENCE_MS } from "./link.ts";

/** The part of the worker's global scope that is used; its own types would replace those of the page. */
interface Shared {
  onconnect: ((event: MessageEvent) => void) | null;
}

/** When each joined tab was last heard of. A tab that crashed says nothing any more. */
const joined = new Map<MessagePort, number>();

const stream = new EventStream((message: FeedMessage) => {
  const now = Date.now();
  for (const [port, heard] of joined) {
    if (now - heard > TAB_SILENCE_MS) leave(port);
    else port.postMessage(message);
  }
});

function leave(port: MessagePort): void {
  joined.delete(port);
  if (joined.size === 0) stream.close();
}

(globalThis as unknown as Shared).onconnect = ({ ports: [port] }) => {
  if (!port) return;
  port.onmessage = ({ data }: MessageEvent<FromTab>) => {
    if (data === "leave") return leave(port);
    const isNew = !joined.has(port);
    joined.set(port, Date.now());
    if (!isNew) return;
    if (stream.cut) port.postMessage(stream.cut);
    else stream.open();
  };
};
