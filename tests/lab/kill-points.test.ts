/** SIGKILL of the controller at every point of a swap, on real hosts: what the process tables show counts. */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import type { SwapJob } from "../../lib/swap/swap.ts";
import { type Receiver, startReceiver } from "../lib/webhook/_receiver.ts";
import { Controller, makeDataDir } from "../support/controller.ts";
import { requirement } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { labAvailability } from "./available.ts";
import { Gates } from "./gates.ts";
import { askForEnding, ENDINGS, type Ending, KILL_POINTS, type KillPoint } from "./kill-points.ts";
import { type Lab, startLab } from "./lab.ts";
import { MODELS, recordOf, remains, served, slotOf } from "./survive-lab.ts";
import type { BehaviourFile } from "./vllm/behaviour.ts";
import { VllmWatch, type Watched } from "./vllm-watch.ts";

const { available, how } = await labAvailability();
const describeLab = requirement("kills of the controller in the lab", available, how);

const LIMIT_MS = 180_000;
/** Rounds a kill point. Odd ones are solo loads, even ones across both hosts. */
const KILL_ROUNDS = Number(process.env.KILL_ROUNDS ?? 3);
const PAIRS = [
  ["small", "other"],
  ["pair", "duo"],
] as const;

describeLab("SIGKILL of the controller", () => {
  let lab: Lab;
  let gates: Gates;
  let data: ReturnType<typeof makeDataDir>;
  let controller: Controller;
  /** On the controller's address; told of every end of a swap. */
  let receiver: Receiver;
  const references = new Map<string, Promise<Outcome>>();

  beforeAll(async () => {
    lab = await startLab({ dialect: "new", stopSeconds: 2 });
    gates = await Gates.install(lab.head);
    data = makeDataDir({ "topology.yaml": lab.topologyYaml, "models-overrides.yaml": MODELS });
    await lab.authorize(data.publicKeyLine);
    controller = await Controller.start(data);
    receiver = startReceiver();
    expect((await controller.post("/api/webhooks", { url: receiver.url })).status).toBe(201);
  }, LIMIT_MS);
  afterEach(async () => {
    await gates.openAll();
    receiver.answer = heard;
    // A test that failed in between leaves no controller: the next one has a right to its own.
    if (controller.process.signalCode !== null) controller = await Controller.start(data);
    await until("no swap runs", async () => (await slotOf(controller)).job_id === null, LIMIT_MS);
  }, LIMIT_MS);
  afterAll(async () => {
    await controller?.stop();
    await lab?.close();
    data?.remove();
    receiver?.[Symbol.dispose]();
  }, LIMIT_MS);

  const heard = () => new Response(null, { status: 204 });
  /** What the receiver was told of a swap, an id once however often it came. @param from count of what came before */
  function told(jobId: string, from: number): string[] {
    const messages = receiver.received.slice(from).flatMap(({ headers, body }) => {
      const { event, data } = JSON.parse(body) as { event: string; data: { job_id?: string } };
      return data.job_id === jobId ? [`${headers["webhook-id"]} ${event}`] : [];
    });
    return [...new Set(messages)].map((message) => message.split(" ")[1] ?? "");
  }

  interface Outcome {
    readonly state: string;
    readonly failure: string | null;
    readonly rolledBack: boolean;
    /** What became of the swap by which the old model was loaded again after a death. */
    readonly restored: string | null;
    /** Which of the two models answers. */
    readonly serves: "old" | "new" | "neither";
    /** Names of the webhooks about its end, one for each id. */
    readonly told: readonly string[];
    readonly slot: { readonly state: string; readonly byHand: boolean };
    readonly remains: readonly number[];
    readonly watched: Watched;
  }

  /** One swap from one of two models to the other, in words that are the same whichever is which. */
  async function swap(turn: number, ending: Ending, point?: KillPoint): Promise<Outcome> {
    const pair = PAIRS[turn % PAIRS.length] ?? PAIRS[0];
    const now = (await slotOf(controller)).model;
    const [old, next] = now === pair[1] ? [pair[1], pair[0]] : pair;
    await lab.behave({ loadSeconds: 1.5 });
    if (now !== old) expect(await controller.swap(old)).toMatchObject({ state: "ready" });
    await lab.behave(behaviour(old, next, ending, point));
    const watch = new VllmWatch(lab.hosts);
    await point?.prepare?.(gates);
    const { job_id: jobId } = await controller.begin(next);
    const round = { head: lab.head, gates, controller, jobId };
    // Where nobody heard anything before the kill, what came before it does not count.
    let from = 0;
    if (!point) await askForEnding(round, ending);
    else from = await killAt(point, round);
    const job = await controller.settled(jobId);
    const restored = ending === "died" ? await restoreOf(jobId) : null;
    await until("the end is told", () => told(jobId, from).length > 0, LIMIT_MS);
    await until("the slot is looked at", async () => (await slotOf(controller)).state !== "unknown");
    const name = { [`acme/${old}`]: "old", [`acme/${next}`]: "new" } as Record<string, "old" | "new">;
    const { most, ran } = await watch.end();
    const { state, by_hand } = await slotOf(controller);
    return {
      state: job.state,
      failure: job.failure?.code ?? null,
      rolledBack: job.rolled_back_to === old,
      restored,
      serves: name[(await served(lab))?.[0] ?? ""] ?? "neither",
      told: told(jobId, 0),
      slot: { state, byHand: by_hand },
      remains: (await remains(lab)).map((each) => each.length),
      watched: { most, ran: ran.map((models) => models.map((model) => name[model] ?? model)) },
    };
  }

  async function restoreOf(jobId: string): Promise<string> {
    const dead = () => controller.get<SwapJob>(`/api/swap/${jobId}`);
    await until("its death is told", async () => (await dead()).died != null, LIMIT_MS);
    const { died } = await dead();
    return died?.restored_by ? (await controller.settled(died.restored_by)).state : "not begun";
  }

  function behaviour(old: string, next: string, ending: Ending, point?: KillPoint): BehaviourFile {
    return {
      loadSeconds: 1.5,
      models: { [`acme/${old}`]: point?.oldModel ?? {}, [`acme/${next}`]: { ...ENDINGS[ending], ...point?.newModel } },
    };
  }

  /** @returns how many webhooks had come when the controller died, if none of them was heard; else 0 */
  async function killAt(point: KillPoint, round: Parameters<KillPoint["reach"]>[0]): Promise<number> {
    if (point.unheard) receiver.answer = () => new Promise(() => {});
    await point.reach(round);
    await round.controller.kill();
    const unheard = point.unheard ? receiver.received.length : 0;
    receiver.answer = heard;
    expect(recordOf(data.dataDir, round.jobId).machine).toMatchObject(point.at);
    await point.meanwhile?.(round);
    const { behind } = point;
    const waiting = async () =>
      (await lab.head.processes()).filter(({ args }) => behind !== undefined && args.includes(behind)).length;
    const before = await waiting();
    controller = await Controller.start(data);
    if (behind) await until(`the next controller stands behind "${behind}"`, async () => (await waiting()) > before);
    await gates.openAll();
    return unheard;
  }

  /** The same swap without a kill, once for each pair of models. */
  function undisturbed(turn: number, ending: Ending): Promise<Outcome> {
    const key = `${turn % PAIRS.length} ${ending}`;
    const outcome = references.get(key) ?? swap(turn, ending);
    references.set(key, outcome);
    return outcome;
  }

  for (let turn = 0; turn < KILL_ROUNDS; turn++) {
    for (const ending of turn < PAIRS.length ? (["ready", "cancelled", "failed", "died"] as const) : [])
      test(
        `round ${turn + 1}: undisturbed, ${ending}`,
        async () => {
          expect(await undisturbed(turn, ending)).toMatchObject({
            state: ending === "died" ? "ready" : ending,
            rolledBack: ending === "cancelled" || ending === "failed",
            restored: ending === "died" ? "ready" : null,
            serves: ending === "ready" ? "new" : "old",
            told: [ending === "ready" || ending === "died" ? "swap_complete" : "swap_failed"],
            slot: { state: "serving", byHand: false },
            watched: { most: turn % PAIRS.length === 0 ? [1, 0] : [1, 1] },
          });
        },
        LIMIT_MS,
      );

    for (const point of KILL_POINTS)
      test(
        `round ${turn + 1}: ${point.name}: adopted, ends as undisturbed, never a second vLLM`,
        async () => {
          const expected = await undisturbed(turn, point.ending);
          expect(await swap(turn, point.ending, point)).toEqual(expected);
        },
        LIMIT_MS,
      );
  }
});
