/** Bodies of requests that wait for their model: how much of them is kept. */
import { expect, test } from "bun:test";
import type { Fault } from "../../../lib/fault.ts";
import type { NamedBody } from "../../../lib/gateway/body.ts";
import { HoldLine } from "../../../lib/gateway/hold-line.ts";
import { ModelDoor } from "../../../lib/gateway/model-door.ts";
import { ModelHold } from "../../../lib/gateway/model-hold.ts";
import { Room } from "../../../lib/gateway/room.ts";
import { Unrouted } from "../../../lib/gateway/route-model.ts";
import { until } from "../../support/until.ts";

const MIB = 1024 * 1024;
const PIECE = new Uint8Array(MIB);

function aHold(): ModelHold {
  const line = new HoldLine({
    terms: () => ({ waitMs: 60_000, dwellMs: 0, most: 100 }),
    target: () => ({ slot: "main", servingSince: null, isTaken: true }),
    permit: () => undefined,
    begin: () => undefined,
  });
  const door = new ModelDoor({
    places: () => [],
    keyOf: (name) => name,
    admission: () => {
      throw new Error("no slot serves anything here");
    },
  });
  return new ModelHold(line, door);
}

/** A body of which so much comes, and then nothing more. */
function unfinished(mebibytes: number) {
  let left = mebibytes;
  let isCancelled = false;
  const content = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (left-- > 0) controller.enqueue(PIECE);
        else return new Promise(() => undefined);
      },
      cancel() {
        isCancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  const body: NamedBody = {
    content,
    length: null,
    model: { name: "wanted", start: 0, end: 0 },
    renamed: () => body,
  };
  return { body, taken: () => mebibytes - left, isCancelled: () => isCancelled };
}

const room = new Room();
function ask(hold: ModelHold, body: NamedBody, signal: AbortSignal): Promise<Fault | null> {
  const asker = {
    caller: () => "a",
    from: () => ({ address: null, userAgent: null }),
    product: () => "test",
    mayBegin: () => true,
    token: () => null,
  };
  const unrouted = new Unrouted("not_found", "model_not_loaded", "It is not loaded.", {}, "wanted");
  const request = new Request("http://localhost/v1/chat/completions", { method: "POST", signal });
  return hold
    .answer({ request, body, share: room.share(), unrouted, asker, onFailure: () => undefined }, () =>
      Promise.reject(new Error("sent")),
    )
    .then(
      () => null,
      (error: Fault) => error,
    );
}

test("bodies count as they come, not only once they are there: what is too much for all of them is refused", async () => {
  const hold = aHold();
  const leaves = new AbortController();
  const first = unfinished(200);
  const asked = ask(hold, first.body, leaves.signal);
  await until("it is all there but its end", () => first.taken() > 200);
  const second = unfinished(100);

  expect(await ask(hold, second.body, leaves.signal)).toMatchObject({ kind: "unavailable", code: "queue_full" });
  expect([second.isCancelled(), second.taken() <= 57]).toEqual([true, true]);

  leaves.abort();
  await asked;
  await until("its client has left, and nobody reads on", () => first.isCancelled());
  const third = unfinished(100);
  void ask(hold, third.body, new AbortController().signal);
  await until("there is room for another", () => third.taken() > 100);
});
