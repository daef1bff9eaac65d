/** Whether a body asks for its answer as events, found without parsing it: it may be 64 MiB of anything. */
import { expect, test } from "bun:test";
import { asksForEvents } from "../../../lib/gateway/asks-for-events.ts";

const asks = (text: string) => asksForEvents(new TextEncoder().encode(text));

test.each([
  ['{"stream":true}', true],
  ['{"model":"x","stream" : true ,"n":1}', true],
  ['{ "messages":[{"stream":false}], "stream":\ntrue}', true],
  ['{"model":"\\"stream\\":true","str\\u0065am":true}', true],
  ['{"model":"x"}', false],
  ['{"stream":false}', false],
  ['{"stream":null}', false],
  ['{"stream":"true"}', false],
  ['{"stream":1,"x":true}', false],
  ['{"stream_options":{"stream":true}}', false],
  ['{"messages":[{"stream":true}]}', false],
  ['{"content":"\\"stream\\":true"}', false],
  ['["stream",true]', false],
  ["no JSON", false],
  ["", false],
])("%s: %p", async (text, expected) => {
  expect(await asks(text)).toBe(expected);
});

test("a body without bytes asks for none", async () => {
  expect(await asksForEvents(null)).toBe(false);
});

test.each([
  ["deep", `${"[".repeat(5_000_000)}${"]".repeat(5_000_000)}`],
  ["wide", `[${"1,".repeat(5_000_000)}1]`],
])("a %s one lets others have their turn meanwhile", async (_, value) => {
  let turns = 0;
  let isOver = false;
  const others = async () => {
    for (; !isOver; turns++) await new Promise((resolve) => setImmediate(resolve));
  };
  const taking = others();
  const asked = await asks(`{"model":"x","value":${value},"stream":true}`);
  isOver = true;
  await taking;

  expect(asked).toBe(true);
  expect(turns).toBeGreaterThan(20);
});
