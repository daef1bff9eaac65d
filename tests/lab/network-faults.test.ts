/**
 * Swaps while the line to the head's OpenSSH is cut, silent, half-open or slow: a real host behind the fault proxy, the
 * product as a process of its own with the limits that people run it with (keepalive 5 s × 3, handshake 10 s).
 */
import { afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import type { Controller } from "../support/controller.ts";
import { type FaultProxy, startFaultProxy } from "../support/fault-proxy.ts";
import { until } from "../support/until.ts";
import { type Its, inLab, jobIs, LIMIT_MS, linesOf, logOf, served, writtenTo } from "./survive-lab.ts";
import { VllmWatch } from "./vllm-watch.ts";

const LOAD_SECONDS = 4;
/** From the claim to ready where nothing is wrong: the old model's stop, the load, and what a busy machine may take. */
const UNDISTURBED_MS = 30_000;
/** A silence is noticed by the keepalive (5 s × 4), given up once more while connecting anew (10 s). */
const SILENCE_MS = 30_000;

interface Fault {
  readonly name: string;
  /** From the claim to the end. */
  readonly deadlineMs: number;
  /** In mid-load; resolves when the line is whole again. */
  play(proxy: FaultProxy, loggedIn: () => Promise<number>): Promise<void>;
}

/** Until the connection is given up and another one is tried, which is not answered either. */
async function untilGivenUp(proxy: FaultProxy, begin: () => void): Promise<void> {
  const { accepted } = proxy;
  begin();
  await until("the connection is given up", () => proxy.accepted > accepted, SILENCE_MS);
  proxy.pass();
}

const FAULTS: readonly Fault[] = [
  {
    name: "cut ten times",
    deadlineMs: UNDISTURBED_MS,
    play: async (proxy, loggedIn) => {
      for (let cut = 0; cut < 10; cut += 1) {
        proxy.cut(cut % 2 === 0 ? "reset" : "end");
        await until("sshd has seen the end", async () => (await loggedIn()) === 0);
        await until("it is logged in anew", async () => (await loggedIn()) === 1, 20_000);
      }
    },
  },
  {
    name: "in a black hole until it is given up",
    deadlineMs: UNDISTURBED_MS + SILENCE_MS,
    play: (proxy) => untilGivenUp(proxy, () => proxy.blackHole()),
  },
  {
    name: "half-open, nothing coming from the head, until it is given up",
    deadlineMs: UNDISTURBED_MS + SILENCE_MS,
    play: (proxy) => untilGivenUp(proxy, () => proxy.halfOpen("to_client")),
  },
  {
    name: "slow",
    deadlineMs: UNDISTURBED_MS + SILENCE_MS,
    play: async (proxy) => proxy.slow({ bytesPerSecond: 20_000, delayMs: 50 }),
  },
];

inLab(
  "new",
  (its) => {
    let proxy: FaultProxy | undefined;
    afterEach(async () => {
      proxy?.pass();
      proxy?.close();
    });

    /** A controller whose SSH to the head leads through the proxy. HTTP goes straight to it. */
    async function throughProxy({ lab, data, start }: Its): Promise<{ controller: Controller; proxy: FaultProxy }> {
      const made = await startFaultProxy({ target: () => ({ host: lab.head.address, port: lab.head.sshPort }) });
      proxy = made;
      const topology = lab.topologyYaml.replace(
        `host: ${lab.head.address}\n    user: ${lab.head.user}\n    ssh_port: ${lab.head.sshPort}\n`,
        `host: ${made.host}\n    user: ${lab.head.user}\n    ssh_port: ${made.port}\n`,
      );
      expect(topology).not.toBe(lab.topologyYaml);
      await Bun.write(join(data.dataDir, "topology.yaml"), topology);
      return { controller: await start(), proxy: made };
    }

    /** sshd's processes on the head, one a connection beside the one that listens. */
    const connections = async () =>
      (await its.lab.head.processes()).filter(({ args }) => /^sshd: .*@notty/.test(args)).length;

    for (const { name, deadlineMs, play } of FAULTS)
      test(
        `in mid-load the line is ${name}: ready within ${deadlineMs / 1000} s of the claim, one vLLM, the log whole`,
        async () => {
          const { lab } = its;
          const { controller, proxy } = await throughProxy(its);
          expect(await controller.swap("small")).toMatchObject({ state: "ready", failure: null });
          await lab.behave({ loadSeconds: LOAD_SECONDS });
          const watch = new VllmWatch(lab.hosts);
          const began = performance.now();
          const { job_id: id } = await controller.begin("other");
          await jobIs(controller, id, "the weights load", ({ phase }) => phase === "weights");

          await play(proxy, connections);
          const job = await controller.settled(id);

          expect(job).toMatchObject({ state: "ready", failure: null });
          expect(performance.now() - began).toBeLessThan(deadlineMs);
          expect(await served(lab)).toEqual(["acme/other"]);
          expect(await watch.end()).toEqual({ most: [1, 0], ran: [["acme/small", "acme/other"], []] });
          const log = await logOf(controller, id);
          expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1));
          const kept = linesOf(log, "launch");
          expect(kept.some((line) => line.includes("Application startup complete"))).toBe(true);
          const written = await writtenTo(lab.head.homeFile(`.spark-control/jobs/${id}/log`));
          expect(kept).toEqual(written.slice(0, kept.length));
          proxy.pass();
          await until(
            "one connection to the head is left",
            async () => (await connections()) === 1 && proxy.open === 1,
          );
        },
        LIMIT_MS,
      );
  },
  { stopSeconds: 2 },
);
