import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Fault } from "../../../lib/fault.ts";
import { Admission, type Limit, type Release } from "../../../lib/gateway/admission.ts";

const open = new AbortController().signal;
const LIMIT: Limit = { inFlight: 2, queue: 3, waitMs: 60_000 };
/** Some who wait are left waiting when a test has ended: what they are told then is for nobody. */
class Door extends Admission {
  override enter(caller: () => string, signal: AbortSignal): Release | Promise<Release> {
    const entered = super.enter(caller, signal);
    if (entered instanceof Promise) entered.catch(() => undefined);
    return entered;
  }
}
const admission = (limit: Partial<Limit> = {}, now = () => 0) =>
  new Door("The service", () => ({ ...LIMIT, ...limit }), now);
const isHeld = (entered: Release | Promise<Release>): entered is Release => typeof entered === "function";
const refusal = (entered: Release | Promise<Release>) =>
  Promise.resolve(entered).then(
    () => null,
    (fault: Fault) => fault,
  );

describe("admission", () => {
  test("asks who it is only once half the places are taken", () => {
    const door = admission({ inFlight: 20 });
    let asked = 0;
    const caller = () => {
      asked++;
      return "a";
    };
    for (let count = 0; count < 10; count++) door.enter(caller, open);
    expect(asked).toBe(0);
    door.enter(caller, open);
    expect(asked).toBe(1);
  });

  test("lets in as many as the limit says, at once", () => {
    const door = admission();

    expect([door.enter(() => "a", open), door.enter(() => "b", open), door.enter(() => "c", open)].map(isHeld)).toEqual(
      [true, true, false],
    );
    expect([door.inFlight, door.queued]).toEqual([2, 1]);
  });

  test("gives a freed place to who waits, and counts a place given back twice once", async () => {
    const door = admission({ inFlight: 1 });
    const first = door.enter(() => "a", open) as Release;
    const second = door.enter(() => "b", open);
    first();
    first();

    (await second)();
    expect([door.inFlight, door.queued]).toEqual([0, 0]);
  });

  test("refuses at once when the queue is full, and says when to come again", async () => {
    const door = admission({ inFlight: 1, queue: 1 });
    door.enter(() => "a", open);
    void refusal(door.enter(() => "a", open));

    expect(await refusal(door.enter(() => "b", open))).toMatchObject({
      kind: "unavailable",
      code: "queue_full",
      members: { retry_after_seconds: 2 },
    });
  });

  test("a single request waits for no more than the one that ends first, whatever another caller has queued", async () => {
    const door = admission({ inFlight: 1, queue: 200 });
    const order: string[] = [];
    const running = door.enter(() => "greedy", open) as Release;
    for (let count = 0; count < 100; count++)
      void Promise.resolve(door.enter(() => "greedy", open)).then(
        () => order.push("greedy"),
        () => undefined,
      );
    const modest = Promise.resolve(door.enter(() => "modest", open)).then((release) => {
      order.push("modest");
      return release;
    });
    running();

    await modest;
    expect(order).toEqual(["modest"]);
  });

  test("who comes later, each for the first time, does not keep another's second request waiting for ever", async () => {
    const door = admission({ inFlight: 1, queue: 200 });
    const order: string[] = [];
    let running = door.enter(() => "first", open) as Release;
    const asks = (name: string) =>
      Promise.resolve(door.enter(() => name, open)).then((release) => {
        order.push(name);
        running = release;
      });
    void asks("first");
    for (let count = 1; count <= 10; count++) {
      void asks(`newcomer ${count}`);
      void asks(`newcomer ${count} too`);
      const { length } = order;
      running();
      while (order.length === length) await Promise.resolve();
    }

    // Those who came before it had been served last go first, and nobody else.
    expect(order.indexOf("first")).toBeOneOf([0, 1, 2]);
    // Nobody is left to be refused when their wait is over.
    while (door.queued > 0) {
      const { length } = order;
      running();
      while (order.length === length) await Promise.resolve();
    }
  });

  test("nobody fills the queue alone: others find a place there, and nobody who waits has to give way", async () => {
    const door = admission({ inFlight: 1, queue: 20 });
    door.enter(() => "greedy", open);
    let refused = 0;
    const asks = (caller: string) => {
      const entering = door.enter(() => caller, open);
      (entering as Promise<Release>).catch(() => refused++);
    };
    for (let count = 0; count < 30; count++) asks("greedy");
    await Bun.sleep(0);
    expect([door.queued, refused]).toEqual([16, 14]);

    for (const caller of ["b", "c", "d", "e"]) asks(caller);
    await Bun.sleep(0);
    expect([door.queued, refused]).toEqual([20, 14]);
    asks("f");
    await Bun.sleep(0);
    expect([door.queued, refused]).toEqual([20, 15]);
  });

  test("in a queue of two one is for somebody else", async () => {
    const door = admission({ inFlight: 1, queue: 2 });
    door.enter(() => "greedy", open);
    void door.enter(() => "greedy", open);

    expect(await refusal(door.enter(() => "greedy", open))).toMatchObject({ code: "queue_full" });
    void door.enter(() => "modest", open);
    expect(door.queued).toBe(2);
  });

  test("a caller that leaves frees its place in the queue", async () => {
    const door = admission({ inFlight: 1 });
    const running = door.enter(() => "a", open) as Release;
    const leaving = new AbortController();
    const left = refusal(door.enter(() => "b", leaving.signal));
    const stays = door.enter(() => "c", open);
    leaving.abort(new Error("left"));
    running();

    expect((await left)?.message).toBe("left");
    expect(isHeld(await stays)).toBe(true);
    expect(door.queued).toBe(0);
  });

  test("who waits too long is told so", async () => {
    const door = admission({ inFlight: 1, waitMs: 5 });
    door.enter(() => "a", open);

    expect(await refusal(door.enter(() => "b", open))).toMatchObject({ code: "queue_timeout" });
    expect(door.queued).toBe(0);
  });

  test("a limit that grows is used by the next who comes", async () => {
    let inFlight = 1;
    const door = new Admission("The service", () => ({ ...LIMIT, inFlight }));
    door.enter(() => "a", open);
    const waiting = door.enter(() => "b", open);
    inFlight = 3;
    const late = door.enter(() => "c", open);

    expect((await Promise.all([waiting, late])).map(isHeld)).toEqual([true, true]);
    expect(door.inFlight).toBe(3);
  });

  test("an adaptive limit lets in fewer than configured once the upstream fails, a fixed one does not", () => {
    const counts = [true, false].map((isAdaptive) => {
      const door = admission({ inFlight: 6, queue: 9, isAdaptive });
      for (let failure = 0; failure < 10; failure++) door.saw(null);
      for (let count = 0; count < 6; count++) door.enter(() => String(count), open);
      return [door.most, door.inFlight];
    });

    expect(counts).toEqual([
      [1, 1],
      [6, 6],
    ]);
  });

  test("whatever happens, no more than the limit is in flight, nobody is forgotten, and all is given back in the end", async () => {
    const step = fc.record({ caller: fc.nat(3), does: fc.constantFrom("enter", "release", "leave") });
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 60 }),
        fc.integer({ min: 1, max: 3 }),
        fc.nat(4),
        async (steps, inFlight, queue) => {
          const door = admission({ inFlight, queue });
          const held: Release[] = [];
          const waiting: AbortController[] = [];
          let settled = 0;
          let entered = 0;
          const all: Promise<unknown>[] = [];
          for (const { caller, does } of steps) {
            if (does === "enter") {
              entered++;
              const leaver = new AbortController();
              waiting.push(leaver);
              const one = door.enter(() => String(caller), leaver.signal);
              if (isHeld(one)) {
                held.push(one);
                settled++;
              } else
                all.push(
                  one.then(
                    (release) => {
                      held.push(release);
                      settled++;
                    },
                    () => settled++,
                  ),
                );
            } else if (does === "release") held.shift()?.();
            else waiting.shift()?.abort(new Error("left"));
            expect(door.inFlight).toBeLessThanOrEqual(inFlight);
            expect(door.queued).toBeLessThanOrEqual(queue);
            await Promise.resolve();
          }
          while (door.inFlight > 0 || door.queued > 0) {
            await Promise.resolve();
            held.shift()?.();
          }
          await Promise.all(all);
          expect(settled).toBe(entered);
        },
      ),
      { numRuns: 200 },
    );
  });
});
