/** Answers that are read whole: no longer than they can be. */
import { Fault } from "../fault.ts";

/** @param name of what answers, for people @throws Fault `upstream` where it is longer; what the reading throws */
export async function shortAnswer(
  name: string,
  pieces: AsyncIterable<Uint8Array> | null,
  mostBytes: number,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  // What is thrown in here cancels the rest.
  for await (const piece of pieces ?? []) {
    size += piece.byteLength;
    if (size > mostBytes)
      throw new Fault("upstream", "upstream_failed", `${name} answered with more than ${mostBytes} bytes.`);
    text += decoder.decode(piece, { stream: true });
  }
  return text + decoder.decode();
}
