/**
 * What people do in the model beside swapping: they reserve, end each other's reservations, stop what runs in a slot, and start and stop
 * a vLLM by hand. What a controller begins by itself has to give way to all of it.
 */
import { Fault } from "../../../lib/fault.ts";
import { conflicts } from "../../../lib/swap/conflicts.ts";
import { footprint } from "../../../lib/swap/facts.ts";
import type { Gate, SwapPlace } from "../../../lib/swap/gate.ts";
import type { SwapJob } from "../../../lib/swap/swap.ts";
import type { SwapRecord, SwapStore } from "../../../lib/swap/swap-store.ts";
import type { Slot } from "../../../lib/topology/topology.ts";
import { BY_HAND, type ModelCluster, type Vllm } from "./_model-cluster.ts";

interface Disruption {
  readonly slot: string;
  readonly what: string;
  readonly reservation: number | null;
  readonly abort: AbortController;
}

/** One reservation at a time, of everything; its token is its holder's name. */
export class ModelGate implements Gate {
  held: { readonly generation: number; readonly holder: string } | null = null;
  /** Generations of the reservations that a person has ended. */
  readonly forced = new Set<number>();
  readonly #disruptions = new Set<Disruption>();

  permit(_place: SwapPlace, token: string | null): number | null {
    if (this.held && token !== this.held.holder) throw new Fault("locked", "reserved", "Somebody has reserved it.");
    return this.held?.generation ?? null;
  }

  admit = (place: SwapPlace, token: string | null) => this.permit(place, token);

  isAwaited = () => false;

  reservationOfAnother(_place: SwapPlace, reservation: number | null) {
    const { held } = this;
    return held && held.generation !== reservation ? { holder: held.holder, note: null, expires_at: "" } : null;
  }

  disruptionIn({ slot }: SwapPlace): string | null {
    return [...this.#disruptions].find((each) => each.slot === slot)?.what ?? null;
  }

  disrupt({ slot }: SwapPlace, what: string, reservation: number | null) {
    const disruption = { slot, what, reservation, abort: new AbortController() };
    this.#disruptions.add(disruption);
    return { forced: disruption.abort.signal, end: () => void this.#disruptions.delete(disruption) };
  }

  /** @returns generation of the reservation that a person has ended; null: there was none */
  force(): number | null {
    const generation = this.held?.generation ?? null;
    this.held = null;
    if (generation === null) return null;
    this.forced.add(generation);
    const reason = new Fault("locked", "reservation_lost", "A person has ended it.");
    for (const each of this.#disruptions) if (each.reservation === generation) each.abort.abort(reason);
    return generation;
  }

  /** What is under way dies with the process. */
  endProcess(): void {
    this.#disruptions.clear();
  }
}

/** What a restore must have looked at before it begins, and what it may stop. */
export class RestoreJudge {
  readonly #jobs = new Map<number, string>();
  /** When a stop without a swap came through, by slot. */
  readonly stops = new Map<string, number>();
  #looked = 0;

  constructor(
    private readonly store: SwapStore,
    private readonly cluster: ModelCluster,
    private readonly gate: ModelGate,
    private readonly slots: readonly Slot[],
  ) {}

  /** A swap's generation only grows; what it sends bears one of them. */
  sees({ generation, job_id }: SwapJob): void {
    this.#jobs.set(generation, job_id);
  }

  /** Where one has just begun. @returns in words what is wrong */
  whatIsWrong({ job_id, model, slot, restores }: SwapJob): string | null {
    const own = this.store.find(job_id);
    const dead = this.store.find(restores?.job_id ?? "");
    if (!own || !dead) return "a restore, or what it restores, is not in the store";
    const { gate, cluster } = this;
    const vllm = cluster.started.find(({ launchId }) => launchId === dead.job.job_id);
    const reservation = dead.order.reservation ?? null;
    const restored = this.store.list(100).filter(({ job }) => job.restores?.job_id === dead.job.job_id);
    const inTheWay = this.store.beliefs().find((belief) => {
      const other = this.slots.find(({ name }) => name === belief.slot && name !== slot);
      const wanted = footprint(own.order.model, own.order.slot);
      return other !== undefined && conflicts(wanted, footprint(belief.model, other));
    });
    const beside = this.store.unsettled().find((other) => other.job.job_id !== job_id && areInConflict(own, other));
    const claims: [boolean, string][] = [
      // What ended just before its Spark was restarted went with it, as far as anybody can tell.
      [
        vllm?.endedBy === "fault" || wasRestarted(vllm),
        `although the vLLM before is ${vllm?.state}, ended by ${vllm?.endedBy}`,
      ],
      [model === dead.order.previous?.key, "and is not what was there before"],
      [dead.job.restores === undefined, "in place of what was restored already"],
      [restored.length === 1, `although ${dead.job.job_id} was restored before`],
      [dead.job.rollback, "although no way back was asked for"],
      [inTheWay === undefined, `and ${inTheWay?.slot} would have to stop`],
      [beside === undefined, `beside ${beside?.job.job_id}`],
      [gate.disruptionIn({ slot, nodes: [] }) === null, "while its slot is being stopped"],
      [(this.stops.get(slot) ?? 0) <= Date.parse(dead.job.ended_at ?? ""), "although its slot was stopped since"],
      [gate.held === null || gate.held.generation === reservation, "although somebody else has reserved it"],
      [reservation === null || !gate.forced.has(reservation), "although a person has ended its reservation"],
      [(own.order.reservation ?? null) === reservation, "under another reservation than what died"],
    ];
    const wrong = claims.find(([holds]) => !holds);
    return wrong ? `${job_id} restores ${model} ${wrong[1]}` : null;
  }

  /** Whether one has stopped what is not its own. @returns in words what is wrong */
  whatWasStopped(): string | null {
    const { stopped } = this.cluster;
    for (; this.#looked < stopped.length; this.#looked++) {
      const { vllm, generation } = stopped[this.#looked]!;
      const id = this.#jobs.get(generation) ?? "";
      if (this.store.find(id)?.job.restores && vllm.launchId !== id)
        return `${id} restores, and has stopped the vLLM of ${vllm.launchId}`;
    }
    return null;
  }

  /** A person's end of a reservation ends what has stopped nothing yet. @returns in words what is wrong */
  whatGoesOn(reservation: number): string | null {
    const left = this.store
      .unsettled()
      .find(({ job, order }) => order.reservation === reservation && ["planned", "draining"].includes(job.state));
    return left ? `${left.job.job_id} goes on although a person has ended its reservation` : null;
  }
}

const wasRestarted = (vllm: Vllm | undefined) => vllm?.nodes.some(({ bootId }) => bootId > 1) === true;

function areInConflict(a: SwapRecord, b: SwapRecord): boolean {
  const of = ({ order }: SwapRecord) => ({ ...footprint(order.model, order.slot), nodes: order.slot.nodes });
  return a.job.slot === b.job.slot || conflicts(of(a), of(b));
}

export const isByHand = ({ launchId }: { readonly launchId: string }) => launchId === BY_HAND;
