/**
 * The lock over HTTP: sixteen clients ask at random, the controller is killed with SIGKILL before a commit, after one, before
 * an answer, and at any moment; an answer that is lost counts as unknown. One lock must have been able to answer so.
 */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { random } from "../../support/random.ts";
import { MISTAKES } from "./_mistakes.ts";
import { KILL_POINTS, playRound, type Round } from "./_round.ts";

const ROUNDS = 20;
/** Chance has to meet the mistake: most are met in the first rounds, and a busy machine plays fewer calls in each. */
const ROUNDS_TO_FIND = 100;
const SEED = Number(process.env.LOCK_SEED ?? Date.now() % 2 ** 31);
// Each round starts three controllers: on a busy machine that takes a while.
setDefaultTimeout(900_000);

describe(`the lock over HTTP (seed ${SEED})`, () => {
  test(`${ROUNDS} rounds with two kills each: nothing wrong`, async () => {
    const next = random(SEED);
    const rounds: Round[] = [];
    for (let turn = 0; turn < ROUNDS; turn++) {
      const kills = [KILL_POINTS[turn % KILL_POINTS.length]!, KILL_POINTS[Math.floor(next() * KILL_POINTS.length)]!];
      rounds.push(await playRound({ random: next, kills }));
    }

    expect(rounds.flatMap(({ wrong }) => wrong ?? [])).toEqual([]);
    const sum = (of: (round: Round) => number) => rounds.reduce((total, round) => total + of(round), 0);
    console.log(
      `${sum((r) => r.calls)} calls, ${sum((r) => r.granted)} grants, ${sum((r) => r.unanswered)} unanswered`,
    );
    // Rounds in which nothing happens would prove nothing.
    expect(sum(({ granted }) => granted)).toBeGreaterThan(ROUNDS * 10);
    expect(sum(({ unanswered }) => unanswered)).toBeGreaterThan(ROUNDS);
    const hit = new Set(rounds.flatMap(({ kills }) => kills));
    expect([...hit].sort()).toEqual([...KILL_POINTS].sort());
  });

  for (const mistake of MISTAKES)
    test(`${mistake} is found out`, async () => {
      const next = random(SEED);
      let found: string | null = null;
      for (let turn = 0; turn < ROUNDS_TO_FIND && found === null; turn++)
        found = (await playRound({ random: next, mistake, kills: [] })).wrong;

      expect(found).toContain("none of these fits");
    });
});
