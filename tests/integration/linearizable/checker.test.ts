/** The checker by itself, on histories written by hand. */
import { expect, test } from "bun:test";
import { check } from "./_checker.ts";
import type { Call, Op, Outcome } from "./_history.ts";

const op = (client: number, sentMs: number, answeredMs: number, call: Call, outcome: Outcome): Op => ({
  ...{ client, sentMs, answeredMs, call, outcome },
});
const granted = (
  client: number,
  [sentMs, answeredMs]: readonly [number, number],
  generation: number,
  ttlMs: number,
) => {
  const name = `grant ${generation}`;
  const seen = { name, generation, expiresMs: sentMs + ttlMs };
  return op(client, sentMs, answeredMs, { do: "acquire", name, ttlMs }, { is: "granted", seen });
};

test("a grant that is forced to end leaves room at once, though others are told of it late, when its time is over", () => {
  const history = [
    granted(0, [0, 10], 1, 1_000),
    op(1, 20, 2_000, { do: "release", name: "grant 0" }, { is: "freed" }),
    op(2, 20, 2_000, { do: "force", name: null }, { is: "freed" }),
    granted(3, [100, 200], 2, 60_000),
  ];
  expect(check(history)).toBeNull();
});

test("a grant that nobody ended and whose time is not over is in the way of another one", () => {
  const release = op(1, 20, 2_000, { do: "release", name: "grant 0" }, { is: "freed" });
  expect(check([granted(0, [0, 10], 1, 1_000), release, granted(3, [100, 200], 2, 60_000)])).not.toBeNull();
  expect(check([granted(0, [0, 10], 1, 1_000), granted(3, [100, 1_200], 2, 60_000)])).toBeNull();
  expect(check([granted(0, [0, 10], 2, 60_000), granted(3, [100, 200], 1, 60_000)])).not.toBeNull();
});
