/** How a tab gets its events: from the worker that all tabs share, or where there is none from the tab that leads. */
import type { FeedMessage } from "./event-stream.ts";
import { TabShare } from "./tab-share.ts";

export type FromTab = "join" | "here" | "leave";

const HERE_EVERY_MS = 15_000;
/** A joined tab that says nothing for this long is gone. Browsers slow the timers of a tab that is behind others. */
export const TAB_SILENCE_MS = 150_000;

export interface Link {
  /** From now on messages come, a snapshot or `cut` first. */
  join(): void;
  leave(): void;
}

/** @param workerUrl script of the shared worker */
export function openLink(workerUrl: string, tell: (message: FeedMessage) => void): Link {
  let isJoined = false;
  let share: Link | null = null;
  const port = connect(workerUrl, tell, () => {
    share = new TabShare(tell);
    if (isJoined) share.join();
  });
  if (!port) share = new TabShare(tell);
  const say = (word: FromTab) => port?.postMessage(word);
  setInterval(() => {
    if (isJoined && !share) say("here");
  }, HERE_EVERY_MS);
  return {
    join() {
      isJoined = true;
      if (share) share.join();
      else say("join");
    },
    leave() {
      isJoined = false;
      if (share) share.leave();
      else say("leave");
    },
  };
}

function connect(workerUrl: string, tell: (message: FeedMessage) => void, onFailure: () => void): MessagePort | null {
  if (typeof SharedWorker === "undefined") return null;
  try {
    const worker = new SharedWorker(workerUrl, { type: "module", name: "feed" });
    worker.onerror = onFailure;
    worker.port.onmessage = ({ data }: MessageEvent<FeedMessage>) => tell(data);
    return worker.port;
  } catch {
    return null;
  }
}
