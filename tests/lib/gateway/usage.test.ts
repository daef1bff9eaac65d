import { describe, expect, test } from "bun:test";
import { Tail, usageOf } from "../../../lib/gateway/usage.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const told = { prompt_tokens: 12, total_tokens: 44, completion_tokens: 32, prompt_tokens_details: null };
const event = (data: object) => `data: ${JSON.stringify(data)}\n\n`;

/** The same text in pieces of so many bytes. */
function usageInPieces(text: string, size: number) {
  const tail = new Tail();
  const all = bytes(text);
  for (let at = 0; at < all.length; at += size) tail.push(all.subarray(at, at + size));
  return tail.usage();
}

describe("the tokens of an answer", () => {
  test("at the end of a JSON answer, with fields behind them", () => {
    const answer = { choices: [{ message: { content: "x".repeat(9_000) } }], usage: told, prompt_logprobs: null };

    expect(usageOf(bytes(JSON.stringify(answer)))).toEqual({ tokensIn: 12, tokensOut: 32 });
    expect(usageOf(bytes(JSON.stringify(answer, null, 2)))).toEqual({ tokensIn: 12, tokensOut: 32 });
  });

  test("of embeddings, which have an input only", () => {
    expect(usageOf(bytes(JSON.stringify({ data: [], usage: { prompt_tokens: 7, total_tokens: 7 } })))).toEqual({
      tokensIn: 7,
      tokensOut: null,
    });
  });

  test("in the last event of a stream, however it is cut into pieces", () => {
    const chunks = Array.from({ length: 200 }, (_, at) =>
      event({ choices: [{ delta: { content: `w${at}` } }], usage: null }),
    );
    const text = `${chunks.join("")}${event({ choices: [], usage: told })}data: [DONE]\n\n`;

    for (const size of [1, 7, 100, 1_000, 5_000, text.length])
      expect([size, usageInPieces(text, size)]).toEqual([size, { tokensIn: 12, tokensOut: 32 }]);
  });

  test("the last ones that a stream tells, where it tells them each time", () => {
    const texts = [1, 2, 3].map((n) => event({ usage: { prompt_tokens: 5, completion_tokens: n } }));

    expect(usageInPieces(texts.join(""), 10)).toEqual({ tokensIn: 5, tokensOut: 3 });
  });

  test("in Anthropic's and in the Responses API's words", () => {
    const ends = event({ type: "message_delta", usage: { output_tokens: 9 } }) + event({ type: "message_stop" });
    const completed = event({ response: { usage: { input_tokens: 3, input_tokens_details: {}, output_tokens: 4 } } });

    expect(usageOf(bytes(ends))).toEqual({ tokensIn: null, tokensOut: 9 });
    expect(usageOf(bytes(completed))).toEqual({ tokensIn: 3, tokensOut: 4 });
  });

  test("none where nothing tells them, nor where a model writes about them", () => {
    const said = '"usage": {"prompt_tokens": 1, "completion_tokens": 2}';
    const answer = JSON.stringify({ choices: [{ message: { content: said } }] });

    for (const text of [
      "",
      "data: [DONE]\n\n",
      answer,
      '{"usage":null}',
      '{"usage":{"prompt_tokens":null}}',
      '"usage"',
    ])
      expect([text, usageOf(bytes(text))]).toEqual([text, { tokensIn: null, tokensOut: null }]);
  });

  test("a stream's end is kept, not the stream", () => {
    const tail = new Tail();
    for (let at = 0; at < 10_000; at++) tail.push(bytes(event({ at })));
    const before = event({ choices: [], usage: told });
    const after = new Tail();
    after.push(bytes(before));
    for (let at = 0; at < 1_000; at++) after.push(bytes(event({ at })));

    expect(tail.usage()).toEqual({ tokensIn: null, tokensOut: null });
    expect(after.usage()).toEqual({ tokensIn: null, tokensOut: null });
  });
});
