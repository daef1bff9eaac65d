/** How streams of events say that they are over. */
import { expect, test } from "bun:test";
import { LastWord } from "../../../lib/gateway/last-word.ts";

function isSaid(path: string, ...pieces: readonly string[]): boolean | undefined {
  const word = LastWord.of(path);
  for (const piece of pieces) word?.push(new TextEncoder().encode(piece));
  return word?.isSaid;
}
const CHAT = "/v1/chat/completions";

test.each([
  [CHAT, "data: [DONE]\n\n"],
  [CHAT, "data:[DONE]\r\n\r\n"],
  [CHAT, 'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n'],
  [`${CHAT}?a=b`, 'data: 1\n\ndata: {"error":{"message":"x"}}\n\n'],
  ["/v1/completions", "data: 1\n\ndata: [DONE]\n\n"],
  ["/v1/responses", 'event: response.completed\ndata: {"type":"response.completed","response":{}}\n\n'],
  ["/v1/responses", 'event: error\ndata: {"type":"error"}\n\n'],
  ["/v1/messages", 'event: message_stop\ndata: {"type": "message_stop"}\n\n'],
])("%s ends with %j, cut anywhere", (path, last) => {
  for (let at = 0; at <= last.length; at++)
    expect([at, isSaid(path, "data: 0\n\n", last.slice(0, at), last.slice(at))]).toEqual([at, true]);
});

test.each([
  [CHAT, 'data: {"choices":[{"delta":{"content":"x"},"finish_reason":null}]}\n\n'],
  [CHAT, 'data: {"choices":[{"delta":{"content":"\\ndata: [DONE]\\n"},"finish_reason":null}]}\n\n'],
  [CHAT, 'data: {"choices":[{"delta":{"content":"\\"finish_reason\\":\\"stop\\""},"finish_reason":null}]}\n\n'],
  ["/v1/responses", 'data: {"type":"response.output_text.delta","delta":"\\"type\\":\\"response.completed\\""}\n\n'],
  ["/v1/messages", 'data: {"type":"content_block_stop"}\n\n'],
])("%s does not end with %j", (path, event) => {
  expect(isSaid(path, event)).toBe(false);
});

test("how a stream of another kind ends, nobody knows", () => {
  expect(LastWord.of("/v1/audio/speech")).toBeNull();
});
