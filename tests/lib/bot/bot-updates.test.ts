/** An update of which the Spark's answers are lost: only what is read there tells whether it runs. */
import { Database } from "bun:sqlite";
import { afterEach, expect, test } from "bun:test";
import { type BotMeans, BotUpdates } from "../../../lib/bot/bot-updates.ts";
import { UpdateRecords } from "../../../lib/bot/update-records.ts";
import { Fault } from "../../../lib/fault.ts";
import type { JobReading } from "../../../lib/ssh/jobs.ts";
import { FACTS } from "../../../lib/store/migrations.ts";
import { until } from "../../support/until.ts";
import { aService } from "../service/_board.ts";
import { aTopology } from "../swap/_fixtures.ts";

const AT = "2026-01-31T12:00:00.000+00:00";
const BOT = aService("bridge", {
  kind: "bot",
  port: null,
  bot: { user: "bridge", directory: "~/bridge", branch: "main" },
});
const lost = () => new Fault("upstream", "ssh_unknown", "spark-2: The connection ended before the answer came.");

const opened: BotUpdates[] = [];
afterEach(async () => {
  for (const updates of opened.splice(0)) await updates.close();
});

function updatesWith(begin: BotMeans["begin"], states: readonly JobReading["state"][]) {
  const db = new Database(":memory:");
  for (const step of FACTS) db.run(step);
  const left = [...states];
  let begun = 0;
  const updates = new BotUpdates({
    records: new UpdateRecords(db),
    topology: () => aTopology({ services: [BOT] }),
    begin(...given) {
      begun += 1;
      return begin(...given);
    },
    async read(_, __, offset) {
      const state = (left.length > 1 ? left.shift() : left[0]) ?? "running";
      const exitCode = state === "exited" ? 0 : null;
      return {
        state,
        exitCode,
        pid: 1,
        generation: 1,
        chunk: new Uint8Array(),
        nextOffset: offset,
        skipped: 0,
        logSize: 0,
      };
    },
    kill: async () => undefined,
    now: () => AT,
    pause: () => Bun.sleep(1),
    onChange: () => undefined,
    onEnd: () => undefined,
    report(error) {
      throw error;
    },
  });
  opened.push(updates);
  return { updates, begun: () => begun, seen: (state: JobReading["state"]) => left.push(state) };
}

test("one whose beginning was not answered runs until the Spark says otherwise, and none is begun beside it", async () => {
  const { updates, begun, seen } = updatesWith(() => Promise.reject(lost()), ["absent", "prepared", "running"]);

  expect(await updates.start("bridge", "dashboard")).toMatchObject({ state: "running", reason: null });
  await expect(updates.start("bridge", "dashboard")).rejects.toMatchObject({ code: "update_running" });
  seen("exited");

  await until("it has ended", () => updates.get("bridge")?.state !== "running");
  expect(updates.get("bridge")).toMatchObject({ state: "succeeded" });
  expect(begun()).toBe(1);
});

test("one that never comes to be is told so after some looks", async () => {
  const { updates } = updatesWith(() => Promise.reject(lost()), ["absent"]);

  await updates.start("bridge", "dashboard");

  await until("it has ended", () => updates.get("bridge")?.state !== "running");
  expect(updates.get("bridge")).toMatchObject({ state: "failed", reason: "It could not be begun." });
});

test("one that the Spark refused has failed at once", async () => {
  const refusal = new Fault("upstream", "ssh_key_refused", "spark-2: The key was refused.");
  const { updates } = updatesWith(() => Promise.reject(refusal), ["absent"]);

  await expect(updates.start("bridge", "dashboard")).rejects.toBe(refusal);
  expect(updates.get("bridge")).toMatchObject({ state: "failed", reason: refusal.message });
});
