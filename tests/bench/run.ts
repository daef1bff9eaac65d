/**
 * `bun run bench [name]`: measures the product against its bars and prints a table. Ends with 1 when a bar is missed,
 * with 2 for an unknown name. Takes about 10 minutes.
 */
import type { Bench } from "./bench.ts";
import { createContext } from "./context.ts";
import { exitCode, type Result } from "./figure.ts";
import { gateway } from "./gateway.ts";
import { lock } from "./lock.ts";
import { log } from "./log.ts";
import { describeMachine } from "./machine.ts";
import { manySparks } from "./many-sparks.ts";
import { memory } from "./memory.ts";
import { overhead } from "./overhead.ts";
import { ready } from "./ready.ts";
import { sparks } from "./sparks.ts";
import { start } from "./start.ts";
import { streams } from "./streams.ts";
import { table } from "./table.ts";

const BENCHES: readonly Bench[] = [start, ready, memory, log, lock, streams, overhead, gateway, sparks, manySparks];

const wanted = process.argv[2];
const chosen = wanted === undefined ? BENCHES : BENCHES.filter(({ name }) => name === wanted);
if (chosen.length === 0) {
  process.stderr.write(
    `There is no bench ${JSON.stringify(wanted)}. There are: ${BENCHES.map(({ name }) => name).join(", ")}.\n`,
  );
  process.exit(2);
}

const begun = performance.now();
const machine = describeMachine();
const context = await createContext();
const end = async (code: number): Promise<never> => {
  await context.close();
  process.exit(code);
};
for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)
  process.once(signal, () => void end(code));

const results: Result[] = [];
try {
  for (const bench of chosen) {
    process.stderr.write(`${bench.name} …\n`);
    results.push(...(await bench.run(context)));
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  await end(1);
}
const where = context.noLab === "" ? "the lab's two hosts" : `simulated, because the lab ${context.noLab}`;
const seconds = ((performance.now() - begun) / 1000).toFixed(0);
console.log([...machine, `Sparks: ${where}`, "", table(results), "", `Took ${seconds} s.`].join("\n"));
await end(exitCode(results, process.env.REQUIRE_ALL === "1"));
