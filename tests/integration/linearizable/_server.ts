/**
 * The controller as a process that can be killed at a named point, or has a mistake planted in it. Takes DATA_DIR;
 * KILL_POINT and KILL_AT, which time that it is reached; MISTAKE. Prints its address.
 */
import type { Database } from "bun:sqlite";
import { createControlPlane } from "../../../lib/control-plane.ts";
import { listen } from "../../../lib/http/listen.ts";
import { createLogger } from "../../../lib/log.ts";
import { openStore } from "../../../lib/store/store.ts";
import { createApp } from "../../../routes/_app.ts";
import { isMistake, plant } from "./_mistakes.ts";

const { DATA_DIR = "", KILL_POINT = "", KILL_AT = "0", MISTAKE = "" } = process.env;

let armed = false;
let reached = 0;

function point(name: string): void {
  if (armed && name === KILL_POINT && ++reached === Number(KILL_AT)) process.kill(process.pid, "SIGKILL");
}

type Body = (...given: unknown[]) => unknown;

/** Every transaction passes by two points: all is written and nothing committed; all is committed and nothing said. */
function withPoints(db: Database): void {
  const original = db.transaction.bind(db) as (run: Body) => Body & { immediate: Body };
  const patched = (run: Body) => {
    const isOutermost = () => !db.inTransaction;
    let outermost = false;
    const inner = original((...given) => {
      const result = run(...given);
      if (outermost) point("before_commit");
      return result;
    });
    const through =
      (call: Body): Body =>
      (...given) => {
        outermost = isOutermost();
        const mine = outermost;
        const result = call(...given);
        if (mine) point("after_commit");
        return result;
      };
    return Object.assign(through(inner), { immediate: through(inner.immediate) });
  };
  Object.assign(db, { transaction: patched });
}

const store = openStore(DATA_DIR);
withPoints(store.facts);
const log = createLogger({ level: "error" });
const plane = await createControlPlane({ version: "0.0.0", dataDir: DATA_DIR, store, env: {}, log, simulated: null });
if (isMistake(MISTAKE)) plant(MISTAKE, plane);
const app = createApp(plane);
const server = listen(
  {
    server: null,
    async fetch(request) {
      const answer = await app.fetch(request);
      if (request.method !== "GET") point("before_answer");
      return answer;
    },
  },
  { port: 0, hostname: "127.0.0.1" },
);
app.server = server;
armed = true;
console.log(`listening on http://127.0.0.1:${server.port}`);
