/**
 * What the lock knows of time. The wall clock can be set, forwards and backwards; the steady clock counts on through that,
 * and through a restart of the controller, but not through a restart of the machine. So a reading has both, and the boot
 * within which the steady one may be compared.
 */
import { readFileSync } from "node:fs";

export interface Reading {
  /** Milliseconds since 1970; moves when the clock is set. */
  readonly wallMs: number;
  /** Milliseconds since the machine was started, time asleep included. Never runs backwards within one boot. */
  readonly steadyMs: number;
  /** Changes when the machine is started again. */
  readonly boot: string;
}

export interface LockClock {
  now(): Reading;
}

const BOOT_ID = "/proc/sys/kernel/random/boot_id";
/** Seconds of CLOCK_BOOTTIME (proc(5)). */
const UPTIME = "/proc/uptime";

/** Where the kernel does not tell how long it has been up, each process is a boot of its own. */
export function systemClock(): LockClock {
  const boot = readOr(BOOT_ID)?.trim();
  if (boot && Number.isFinite(uptimeMs())) return { now: () => ({ wallMs: Date.now(), steadyMs: uptimeMs(), boot }) };
  const own = crypto.randomUUID();
  return { now: () => ({ wallMs: Date.now(), steadyMs: performance.now(), boot: own }) };
}

/** NaN where there is none. */
function uptimeMs(): number {
  return Math.round(Number(readOr(UPTIME)?.split(" ", 1)[0] || Number.NaN) * 1000);
}

function readOr(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}
