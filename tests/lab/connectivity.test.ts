/** A cable that is pulled and put back: what the controller keeps of it, exact to one poll. And a card from real tools. */
import { expect, test } from "bun:test";
import type { connectivityOf } from "../../lib/connectivity/wire.ts";
import type { HardwareCard } from "../../lib/hardware/card.ts";
import type { Status } from "../../lib/status.ts";
import { readEvents } from "../bench/event-stream.ts";
import type { Controller } from "../support/controller.ts";
import { until } from "../support/until.ts";
import { inLab, LIMIT_MS } from "./survive-lab.ts";

const POLL_MS = 5_000;
/** A poll may have begun just before, and the next one takes a moment until it has run a command: under two polls. */
const ONE_POLL_MS = POLL_MS + 4_000;
const DOWN_MS = 22_000;

type Log = ReturnType<typeof connectivityOf>;
const log = (controller: Controller) => controller.get<Log>("/api/connectivity");
const current = async (controller: Controller, spark: string) => (await log(controller)).current[spark];

inLab("new", (its) => {
  test(
    "the log of a pulled cable is exact to one poll, the dashboard's stream tells it, and the card has a gap",
    async () => {
      const { lab } = its;
      const controller = await its.start();
      await until("the worker is up", async () => (await current(controller, "spark-2")) === "up", 30_000);
      const told: { event: string; at: number; data: unknown }[] = [];
      const leave = new AbortController();
      const stream = (async () => {
        for await (const { event, data } of readEvents(`${controller.url}/api/events`, leave.signal))
          told.push({ event, at: Date.now(), data });
      })().catch(() => undefined);
      await until(
        "the worker's address is known",
        async () => (await log(controller)).macs["spark-2"] !== null,
        30_000,
      );
      const link = (await lab.worker.exec("ip link show dev enp1s0f1np1")).stdout;
      const real = /link\/ether ([0-9a-f:]{17})/.exec(link)![1]!;
      expect((await log(controller)).macs["spark-2"]).toBe(real);

      const pulled = Date.now();
      await lab.worker.linkDown();
      await until("it is down", async () => (await current(controller, "spark-2")) === "down", 30_000);
      const { nodes } = await controller.get<Status>("/api/status");
      expect(nodes[1]).toMatchObject({ name: "spark-2", state: "unreachable" });
      await Bun.sleep(Math.max(0, pulled + DOWN_MS - Date.now()));
      const back = Date.now();
      await lab.worker.linkUp();
      await until("it is up", async () => (await current(controller, "spark-2")) === "up", 30_000);

      const { events, current: now, last_change } = await log(controller);
      expect(events.map(({ spark, transition }) => [spark, transition])).toEqual([
        ["spark-2", "up"],
        ["spark-2", "down"],
      ]);
      const [up, down] = events;
      const late = { down: Date.parse(down!.at) - pulled, up: Date.parse(up!.at) - back };
      console.log(`the log is late by: down ${late.down} ms, up ${late.up} ms; it says ${up!.down_seconds} s`);
      // A poll that began before may end in it.
      expect(late.down).toBeGreaterThan(-POLL_MS);
      expect(late.down).toBeLessThan(ONE_POLL_MS);
      expect(late.up).toBeGreaterThan(-POLL_MS);
      expect(late.up).toBeLessThan(ONE_POLL_MS);
      expect(Math.abs(up!.down_seconds! - (back - pulled) / 1000)).toBeLessThan(ONE_POLL_MS / 1000);
      expect(now).toEqual({ "spark-1": "up", "spark-2": "up" });
      expect(last_change).toMatchObject({ "spark-1": null, "spark-2": up!.at });

      await until("the stream has told both", () => told.filter(({ event }) => event === "connectivity").length === 2);
      const stated = told.filter(({ event }) => event === "connectivity").map(({ data }) => data);
      expect(stated).toEqual([down, up]);
      leave.abort();
      await stream;
    },
    LIMIT_MS,
  );

  test(
    "a card is filled by real tools of an unprivileged login",
    async () => {
      const controller = await its.start();
      type Answer = { cards: HardwareCard[]; logins: { state: string }[] };
      const ask = () => controller.get<Answer>("/api/hardware");
      await until("both have answered", async () => (await ask()).cards.every(({ at }) => at !== null), 30_000);

      const [card] = (await ask()).cards;
      expect(card).toMatchObject({
        problem: null,
        gpu: { name: "NVIDIA GB10", percent: 0, celsius: 41, watts: 9.85, power_limit_watts: null, memory_mhz: null },
        memory: { total_bytes: Math.round(119.7 * 1024 * 1024) * 1024 },
        vpn_address: null,
      });
      expect(card!.disk!.total_bytes).toBeGreaterThan(0);
      expect(card!.uptime_seconds!).toBeGreaterThan(0);
      expect(card!.cpu.cores!).toBeGreaterThan(0);
      await until(
        "the use of the processors is known",
        async () => (await ask()).cards[0]!.cpu.percent !== null,
        30_000,
      );
      await until("the head has logged in at the worker", async () => (await ask()).logins[0]?.state === "ok", 30_000);
    },
    LIMIT_MS,
  );
});
