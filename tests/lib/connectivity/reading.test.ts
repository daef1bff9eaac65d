/** What follows from the polls of one Spark. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  type Change,
  type Link,
  NEVER_ASKED,
  type Reading,
  step,
  type Verdict,
} from "../../../lib/connectivity/reading.ts";

const INTERVAL = 5_000;
const LASTS = 400;

/** One poll every 5 s from 0 on; each lasts 0.4 s. */
function poll(verdicts: readonly (Verdict | "refused")[]): { link: Link; changes: Change[] } {
  let link = NEVER_ASKED;
  const changes: Change[] = [];
  verdicts.forEach((verdict, index) => {
    const reading: Reading = {
      verdict: verdict === "refused" ? "no_ssh" : verdict,
      began: index * INTERVAL,
      ended: index * INTERVAL + LASTS,
      reason: verdict,
      certain: verdict === "refused",
    };
    const next = step(link, reading);
    link = next.link;
    if (next.change) changes.push(next.change);
  });
  return { link, changes };
}
const told = (...verdicts: readonly (Verdict | "refused")[]) =>
  poll(verdicts).changes.map(({ transition, at }) => [transition, at]);

describe("an outage", () => {
  test("begins with the first poll to which nothing answers, and ends with the one that runs a command", () => {
    expect(told("up", "no_network", "no_network", "up")).toEqual([
      ["down", INTERVAL],
      ["up", 3 * INTERVAL + LASTS],
    ]);
  });

  test("is nothing yet when SSH is late once: the Spark may be busy", () => {
    expect(told("up", "no_ssh", "up", "no_ssh", "up")).toEqual([]);
  });

  test("began with the first of two polls in which the port answered and no command ran", () => {
    expect(told("up", "no_ssh", "no_ssh", "up")).toEqual([
      ["down", INTERVAL],
      ["up", 3 * INTERVAL + LASTS],
    ]);
  });

  test("is certain at once when the key is refused: waiting does not help", () => {
    expect(told("up", "refused")).toEqual([["down", INTERVAL]]);
  });

  test("of the network ended when the port answered again, if a command ran with the next poll", () => {
    expect(told("no_network", "no_ssh", "up")).toEqual([
      ["down", 0],
      ["up", INTERVAL],
    ]);
  });

  test("did not end when the port answered and SSH stayed silent for long", () => {
    expect(told("no_network", "no_ssh", "no_ssh", "no_ssh", "no_ssh", "up")).toEqual([
      ["down", 0],
      ["up", 5 * INTERVAL + LASTS],
    ]);
  });

  test("keeps the reason with which it began", () => {
    expect(poll(["no_network", "no_ssh", "no_ssh"]).link.outage).toEqual({
      began: 0,
      level: "no_network",
      reason: "no_network",
    });
  });
});

test("whatever the polls bring, downs and ups take turns, in order of time, and the last one tells the state", () => {
  const verdicts = fc.array(fc.constantFrom<Verdict | "refused">("up", "no_network", "no_ssh", "refused"), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(verdicts, (all) => {
      const { link, changes } = poll(all);
      changes.forEach((change, index) => {
        expect(change.transition).toBe(index % 2 === 0 ? "down" : "up");
        expect(change.at).toBeGreaterThanOrEqual(changes[index - 1]?.at ?? 0);
      });
      expect(link.outage !== null).toBe(changes.length % 2 === 1);
      // A poll that ran a command leaves nothing down; one to which nothing answers leaves nothing up.
      if (all.at(-1) === "up") expect(link.outage).toBeNull();
      if (all.at(-1) === "no_network" || all.at(-1) === "refused") expect(link.outage).not.toBeNull();
    }),
    { numRuns: 2_000 },
  );
});
