/** The machine that the figures were taken on: a figure without it says little. */
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release, totalmem, type } from "node:os";

/** Lines such as `CPU: …, 8 cores`. The load is what else ran at the start. */
export function describeMachine(): string[] {
  return [
    `CPU: ${cpus()[0]?.model.trim() ?? "unknown"}, ${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)}`,
    `Memory: ${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
    `OS: ${distribution()}, ${type()} ${release().replace(/-.*/, "")}`,
    `Bun ${Bun.version}`,
  ];
}

function distribution(): string {
  try {
    return /^PRETTY_NAME="?([^"\n]+)/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? process.platform;
  } catch {
    return process.platform;
  }
}
