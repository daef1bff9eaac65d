/** The way of one controller to the model of the Sparks: calls take time, fail, and lose their answers, as planned. */
import { Fault } from "../../../lib/fault.ts";
import type { HttpAnswer, SparkControl } from "../../../lib/swap/cluster.ts";
import { unreachable } from "./_fixtures.ts";
import type { ModelCluster, ModelSpark } from "./_model-cluster.ts";
import type { VirtualClock } from "./_virtual-clock.ts";

/**
 * refused: nothing happens. lost: it happens, the answer does not come. slow: it happens, the answer comes late.
 * late: the caller gives up, and it happens afterwards.
 */
export type CallFault = "refused" | "lost" | "slow" | "late";

export interface PlannedFault {
  /** Calls that go well before it strikes, counted from the one before. */
  readonly after: number;
  readonly fault: CallFault;
}

const WAY_MS = 5;
const MOST_BACK_MS = 40;
const SLOW_MS = 4_000;
const DOCKER_STOP_MS = 300;

/** Faults of all calls of a history, across the controllers that make them. */
export class FaultPlan {
  #left: PlannedFault[];
  #goingWell: number;
  #lateUntil = 0;

  constructor(planned: readonly PlannedFault[]) {
    this.#left = [...planned];
    this.#goingWell = planned[0]?.after ?? 0;
  }

  /** Whether a call that was given up may still come to pass. */
  isLate(now: number): boolean {
    return now <= this.#lateUntil;
  }

  strikesLate(now: number): void {
    this.#lateUntil = now + SLOW_MS;
  }

  next(): CallFault | null {
    const [first] = this.#left;
    if (!first || this.#goingWell-- > 0) return null;
    this.#left.shift();
    this.#goingWell = this.#left[0]?.after ?? 0;
    return first.fault;
  }

  clear(): void {
    this.#left = [];
  }
}

export interface Link {
  readonly control: SparkControl;
  /** The controller's process is gone: nothing that it waits for comes any more, and it sends nothing more. */
  cut(): void;
}

export function linkTo(
  cluster: ModelCluster,
  clock: VirtualClock,
  faults: FaultPlan,
  /** 0..1, of the history's own chance. */
  chance: () => number,
): Link {
  let isCut = false;

  /** @param work what happens on the Spark, once and at its time, whether or not anybody waits for the answer */
  const call = <T>(spark: ModelSpark, signal: AbortSignal, work: () => T, takesMs = 0): Promise<T> =>
    new Promise((resolve, reject) => {
      if (isCut) return;
      if (signal.aborted) return reject(signal.reason);
      const fault = faults.next();
      const whileUp = (run: () => void) => () => {
        if (!isCut) run();
      };
      const onAbort = whileUp(() => reject(signal.reason));
      signal.addEventListener("abort", onAbort, { once: true });
      const settle = (milliseconds: number, run: () => void) =>
        clock.after(
          milliseconds,
          whileUp(() => {
            signal.removeEventListener("abort", onAbort);
            run();
          }),
        );
      const backMs = fault === "slow" ? SLOW_MS : Math.round(chance() * MOST_BACK_MS);
      if (fault === "late") {
        faults.strikesLate(clock.now);
        clock.after(SLOW_MS, () => {
          try {
            if (!spark.isAway) work();
          } catch (error) {
            if (!(error instanceof Fault)) throw error;
          }
        });
        settle(backMs, () => reject(unreachable(spark.name)));
        return;
      }
      clock.after(WAY_MS + takesMs, () => {
        if (fault === "refused" || spark.isAway) return settle(backMs, () => reject(unreachable(spark.name)));
        try {
          const answer = work();
          settle(backMs, () => (fault === "lost" ? reject(unreachable(spark.name)) : resolve(answer)));
        } catch (error) {
          settle(backMs, () => reject(error));
        }
      });
    });

  const sparkOf = ({ name }: { readonly name: string }) => cluster.sparks.find((spark) => spark.name === name)!;
  const jobs = (spark: ModelSpark) => [...spark.jobs];

  const ask = async (url: string, signal: AbortSignal): Promise<HttpAnswer> => {
    const { hostname, port, pathname } = new URL(url);
    const spark = cluster.sparks.find(({ address }) => address === hostname)!;
    try {
      return await call(spark, signal, () => answerOf(spark, Number(port), pathname));
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      return { status: null, body: null };
    }
  };

  return {
    cut: () => {
      isCut = true;
    },
    control: {
      address: (node) => Promise.resolve(sparkOf(node).address),
      look: (node, place, signal) => call(sparkOf(node), signal, () => sparkOf(node).view(place)),
      stopContainer(node, container, generation, signal) {
        const spark = sparkOf(node);
        const stop = () => {
          spark.admit(generation);
          cluster.stopContainer(spark, container, generation);
        };
        return call(spark, signal, stop, spark.containers.has(container) ? DOCKER_STOP_MS : 0);
      },
      runningLaunches: (node, signal) =>
        call(sparkOf(node), signal, () =>
          jobs(sparkOf(node)).flatMap(([id, { state }]) => (state === "running" && !id.endsWith("-log") ? [id] : [])),
        ),
      launchedWith: (node, _id, signal) => call(sparkOf(node), signal, () => null),
      launchScript: (node, signal) => call(sparkOf(node), signal, () => "#!/bin/bash\n"),
      hasImage: (node, _image, signal) => call(sparkOf(node), signal, () => true),
      hasFolder: (node, _path, signal) => call(sparkOf(node), signal, () => true),
      freeDiskKib: (node, signal) => call(sparkOf(node), signal, () => 1_000_000_000),
      fence: (node, signal) =>
        call(sparkOf(node), signal, () => ({ foreign: null, generation: sparkOf(node).generation })),
      passFence: (node, generation, signal) => call(sparkOf(node), signal, () => sparkOf(node).admit(generation)),
      startJob: (node, order, signal) => call(sparkOf(node), signal, () => cluster.startJob(sparkOf(node), order)),
      keepLog(node, id, generation, container, signal) {
        const order = { id, generation, argv: ["sh", container] as const, env: {}, cwd: "~" };
        return call(sparkOf(node), signal, () => cluster.startJob(sparkOf(node), order));
      },
      readJob: (node, id, offset, _maxBytes, signal) =>
        call(sparkOf(node), signal, () => {
          const job = sparkOf(node).jobs.get(id);
          const chunk = new TextEncoder().encode(job?.log.slice(offset) ?? "");
          const { state = "absent", exitCode = null } = job ?? {};
          return { state, exitCode, chunk, nextOffset: offset + chunk.length, skipped: 0 };
        }),
      killJob: (node, id, generation, signal) =>
        call(sparkOf(node), signal, () => {
          sparkOf(node).admit(generation);
          cluster.killJob(sparkOf(node), id);
        }),
      checkArguments: () => Promise.resolve(null),
      get: (url, _deadlineMs, signal) => ask(url, signal),
      post: (url, _body, _deadlineMs, signal) => ask(url, signal),
    },
  };
}

function answerOf(spark: ModelSpark, port: number, path: string): HttpAnswer {
  const vllm = spark.serving(port);
  if (!vllm) return { status: null, body: null };
  if (path === "/v1/models") return { status: 200, body: { data: [{ id: vllm.model }] } };
  if (path === "/v1/chat/completions") vllm.chatted = true;
  return { status: 200, body: "vllm:num_requests_running{} 0\nvllm:num_requests_waiting{} 0\n" };
}
