/** Rounds of tests/integration/linearizable: sixteen clients, two kills each, and one lock must have been able to answer so. */
import { KILL_POINTS, playRound, type Round } from "../integration/linearizable/_round.ts";
import type { Campaign } from "./campaign.ts";

const KILLS_A_ROUND = 2;

function table(rounds: readonly Round[]): string {
  const sum = (of: (round: Round) => number) => rounds.reduce((total, round) => total + of(round), 0);
  const rows = KILL_POINTS.map((point) => {
    const kills = sum((round) => round.kills.filter((kill) => kill === point).length);
    return `${point.padEnd(14)} ${String(kills).padStart(6)}`;
  });
  const wrong = rounds.filter((round) => round.wrong !== null).length;
  const figures = `${sum((r) => r.calls)} calls, ${sum((r) => r.granted)} grants, ${sum((r) => r.unanswered)} unanswered`;
  return ["killed         times", ...rows, "", `${figures}; ${wrong} of ${rounds.length} rounds wrong`].join("\n");
}

export const lock: Campaign = {
  name: "lock",
  defaultRounds: 200,
  async run(count, next) {
    const rounds: Round[] = [];
    for (let turn = 0; turn < count; turn++) {
      const kills = Array.from({ length: KILLS_A_ROUND }, () => KILL_POINTS[Math.floor(next() * KILL_POINTS.length)]!);
      const round = await playRound({ random: next, kills });
      rounds.push(round);
      const { wrong, calls, granted } = round;
      console.log(
        `${turn + 1}. ${calls} calls, ${granted} grants, killed ${round.kills.join(", ")}: ${wrong ?? "right"}`,
      );
    }
    console.log(`\n${table(rounds)}`);
    return rounds.every(({ wrong }) => wrong === null);
  },
};
