/** Who asked is looked up only for what is listed, and while it can be. */
import { expect, test } from "bun:test";
import { type Asker, Trace } from "../../../lib/gateway/trace.ts";

function trace(isListed?: boolean) {
  const seen = { lookups: 0, silent: [] as boolean[], callers: [] as string[] };
  const asker = {
    caller: () => `caller ${++seen.lookups}`,
    maySilence: (may: boolean) => seen.silent.push(may),
  } as unknown as Asker;
  const options = {
    onEnd: (_: unknown, sender: { readonly caller: string }) => seen.callers.push(sender.caller),
    ...(isListed === undefined ? {} : { isListed: () => isListed }),
  };
  return { seen, trace: new Trace("/v1/x", asker, options) };
}

test.each([[undefined], [true]])("listed %p: at the beginning, once", (isListed) => {
  const { seen, trace: one } = trace(isListed);
  expect(seen.lookups).toBe(1);
  one.lasts();
  one.end("complete");
  expect([seen.callers, seen.lookups]).toEqual([["caller 1"], 1]);
});

test("not listed when it begins: at the end, if then it is", () => {
  const { seen, trace: one } = trace(false);
  expect(seen.lookups).toBe(0);
  one.end("complete");
  expect(seen.callers).toEqual(["caller 1"]);
});

test("one that lasts is asked while its client is there, and its connection may be silent", () => {
  const { seen, trace: one } = trace(false);
  one.lasts();
  expect([seen.lookups, seen.silent]).toEqual([1, [true]]);
});

test.each([
  ["waits for a place", (one: Trace) => void one.waiting(new Promise(() => undefined))],
  ["is held", (one: Trace) => one.isHeld()],
])("so is one that %s", (_, begin) => {
  const { seen, trace: one } = trace(false);
  begin(one);
  expect([seen.lookups, seen.silent]).toEqual([1, [true]]);
});

test("its connection may be silent until it is over, and no longer", () => {
  const { seen, trace: one } = trace(false);
  one.lasts();
  one.lasts();
  one.end("complete");
  one.end("complete");
  one.lasts();
  expect(seen.silent).toEqual([true, false]);
});

test("one that is over at once says nothing of that", () => {
  const { seen, trace: one } = trace(false);
  one.end("complete");
  expect(seen.silent).toEqual([]);
});
