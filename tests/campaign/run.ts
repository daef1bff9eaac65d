/**
 * `bun run campaign [name] [rounds] [seed]`: what is too long for every run of the tests. The name chooses one: `swap` (the
 * default: kills of the controller in swaps on the lab's hosts), `lock` (kills under sixteen clients of the reservation
 * lock), `soak` (mixed traffic through the gateway; rounds are minutes). Each prints a table of figures; exit code 1 when anything was wrong.
 */
import { parseArgs } from "node:util";
import { random } from "../support/random.ts";
import { lock } from "./lock.ts";
import { soak } from "./soak.ts";
import { swap } from "./swap.ts";

const CAMPAIGNS = [swap, lock, soak];

const { positionals } = parseArgs({ args: process.argv.slice(2), allowPositionals: true });
const named = CAMPAIGNS.find(({ name }) => name === positionals[0]);
const campaign = named ?? swap;
const [rounds, given] = named ? positionals.slice(1) : positionals;
const count = Number(rounds ?? campaign.defaultRounds);
const seed = Number(given ?? crypto.getRandomValues(new Uint32Array(1))[0]);
if (!Number.isInteger(count) || count < 1 || !Number.isInteger(seed)) {
  console.error(`usage: bun run campaign [${CAMPAIGNS.map(({ name }) => name).join("|")}] [rounds] [seed]`);
  process.exit(2);
}
console.log(`campaign ${campaign.name}: ${count} rounds, seed ${seed}`);
process.exitCode = (await campaign.run(count, random(seed))) ? 0 : 1;
