/**
 * A process that records the end of a swap and delivers it, and is killed with SIGKILL at its Nth step: before and after
 * each statement, within and after each transaction, before and after each request.
 * Arguments: data folder, N. Exits with 0 when it has delivered before it came to N.
 */
import type { Database, Statement } from "bun:sqlite";
import { recordFact } from "../../../lib/events/facts.ts";
import { openStore } from "../../../lib/store/store.ts";
import { post } from "../../../lib/webhook/post.ts";
import { Webhooks } from "../../../lib/webhook/webhooks.ts";
import { until } from "../../support/until.ts";
import { ended } from "./_bench.ts";

const [dataDir = "", killAt = "0"] = process.argv.slice(2);
let steps = 0;

function step(): void {
  steps += 1;
  if (steps !== Number(killAt)) return;
  process.kill(process.pid, "SIGKILL");
  for (;;);
}

function between<T>(run: () => T): T {
  step();
  const result = run();
  step();
  return result;
}

const statement = (of: Statement): Statement =>
  new Proxy(of, {
    get: (_, name) => {
      const value = Reflect.get(of, name) as unknown;
      if (typeof value !== "function") return value;
      return (...given: unknown[]) => between(() => value.apply(of, given));
    },
  });

function stepping(of: Database): Database {
  const methods: Record<string, unknown> = {
    query: (sql: string) => statement(of.query(sql)),
    run: (sql: string, values: never[]) => between(() => of.run(sql, values)),
    transaction: (run: () => unknown) => {
      const whole = of.transaction(() => {
        const result = run();
        step(); // Everything is written, nothing is committed.
        return result;
      });
      return { immediate: () => between(() => whole.immediate()) };
    },
  };
  return new Proxy(of, {
    get(_, name) {
      const value = methods[String(name)] ?? (Reflect.get(of, name) as unknown);
      return typeof value === "function" ? value.bind(of) : value;
    },
  });
}

const store = openStore(dataDir);
const db = stepping(store.facts);
const webhooks = new Webhooks({
  db,
  env: {},
  version: "1.2.3",
  simulated: false,
  ownPort: () => null,
  async send(request, signal) {
    step();
    const outcome = await post(request, { deadlineMs: 5_000, ownPort: null }, signal);
    step();
    return outcome;
  },
  now: Date.now,
  random: Math.random,
  onChange: () => undefined,
  onDelivery: step,
  report: (error) => {
    throw error;
  },
});
webhooks.start();
db.transaction(() => recordFact(db, ended("ready"))).immediate();
await until(
  "it is delivered",
  () => store.facts.query("SELECT 1 FROM webhook_delivery WHERE state = 'delivered'").get() !== null,
);
await webhooks.close();
store.close();
process.stdout.write(String(steps));
