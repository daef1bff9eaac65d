/** Whether a JSON body asks for its answer as events: not parsed, which would stop everybody else for seconds where it is large. */
import { ModelScanner } from "./model-name.ts";

/** Looked at in one go: about a millisecond. */
const TURN_BYTES = 256 * 1024;
/** Of `true`. */
const T = 0x74;

export async function asksForEvents(content: Uint8Array | null): Promise<boolean> {
  if (content === null) return false;
  const scanner = new ModelScanner("stream");
  for (let at = 0; at < content.length; at += TURN_BYTES) {
    if (at > 0) await new Promise((resolve) => setImmediate(resolve));
    if (scanner.push(content.subarray(at, at + TURN_BYTES)) !== "more") break;
  }
  return scanner.other === T;
}
