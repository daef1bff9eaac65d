/** Five ways to get a lock service wrong, planted into the running product. */
import type { ControlPlane } from "../../../lib/control-plane.ts";
import { LockStore } from "../../../lib/lock/lock-store.ts";
import { ReservationLock } from "../../../lib/lock/reservation-lock.ts";
import { SwapEngine } from "../../../lib/swap/engine.ts";
import { SwapStore } from "../../../lib/swap/swap-store.ts";

export const MISTAKES = [
  "double_grant",
  "lost_acknowledgement",
  "reused_generation",
  "waiter_not_judged_again",
  "check_apart_from_claim",
] as const;
export type Mistake = (typeof MISTAKES)[number];

export const isMistake = (name: string): name is Mistake => (MISTAKES as readonly string[]).includes(name);

const APART_MS = 8;
/** A swap is asked for seldom, and a reservation has to begin just then. */
const GATE_APART_MS = 60;

export function plant(mistake: Mistake, plane: ControlPlane): void {
  let blind = false;
  let times = 0;
  const { read, write } = LockStore.prototype;
  const blindly = <T>(run: () => T): T => {
    blind = true;
    try {
      return run();
    } finally {
      blind = false;
    }
  };
  LockStore.prototype.read = function (this: LockStore) {
    return blind ? null : read.call(this);
  };
  const { acquire, pump, permit } = ReservationLock.prototype;
  switch (mistake) {
    case "double_grant":
      ReservationLock.prototype.acquire = function (this: ReservationLock, request) {
        return ++times % 7 === 0 ? blindly(() => acquire.call(this, request)) : acquire.call(this, request);
      };
      return;
    case "lost_acknowledgement":
      LockStore.prototype.write = function (this: LockStore, grant) {
        if (grant === null || ++times % 7 !== 0) write.call(this, grant);
      };
      return;
    case "reused_generation": {
      const { nextGeneration } = SwapStore.prototype;
      SwapStore.prototype.nextGeneration = function (this: SwapStore, seen) {
        const last = this.highestGeneration();
        return last > 0 && ++times % 7 === 0 ? last : nextGeneration.call(this, seen);
      };
      return;
    }
    case "waiter_not_judged_again":
      ReservationLock.prototype.pump = function (this: ReservationLock) {
        setTimeout(() => blindly(() => pump.call(this)), APART_MS);
      };
      return;
    case "check_apart_from_claim": {
      const { start } = SwapEngine.prototype;
      ReservationLock.prototype.permit = function (this: ReservationLock, place, token) {
        return blind ? null : permit.call(this, place, token);
      };
      // The route awaits what start gives.
      const apart = async function (this: SwapEngine, request: Parameters<typeof start>[0]) {
        const [slot] = plane.config.current.topology.slots;
        plane.lock.permit({ slot: slot?.name ?? null, nodes: slot?.nodes ?? [] }, request.token ?? null);
        await Bun.sleep(GATE_APART_MS);
        // Only the gate is blind here: what is reserved is read nowhere else in a claim.
        return blindly(() => start.call(this, request));
      };
      Object.assign(SwapEngine.prototype, { start: apart });
      return;
    }
  }
}
