/** Work that may wait for its turn: a slice at a time, so that the page answers and is painted in between. */

/** On a phone of the middle it is a few times as long; from 50 ms on a delay is felt. */
const SLICE_MS = 5;

const waiting: (() => void)[] = [];
/** A message has its turn at once; timers of a tab that is behind others do not. */
let channel: MessageChannel | undefined;

/** Runs the work in a later task, in the order of the calls. */
export function inTurn(work: () => void): void {
  waiting.push(work);
  if (waiting.length === 1) askForTurn();
}

function askForTurn(): void {
  if (!channel) {
    channel = new MessageChannel();
    channel.port1.onmessage = takeTurn;
  }
  channel.port2.postMessage(null);
}

function takeTurn(): void {
  const end = performance.now() + SLICE_MS;
  while (waiting.length > 0 && performance.now() < end) {
    try {
      waiting.shift()?.();
    } catch (error) {
      reportError(error);
    }
  }
  if (waiting.length > 0) askForTurn();
}
