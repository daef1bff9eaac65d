/** The process's own settings from its environment and arguments, parsed once. A value that makes no sense ends the start with a plain word. */
import { resolve } from "node:path";

export interface ProcessSettings {
  readonly port: number;
  /** Null: all addresses, IPv6 and IPv4 where both are there. */
  readonly host: string | null;
  readonly dataDir: string;
  /** Show the simulated cluster from the start. */
  readonly simulated: boolean;
}

export interface SimulatedSettings {
  /** Time factor. */
  readonly speed: number;
  /** What fails, as JSON. */
  readonly faults: string;
}

export class UsageError extends Error {
  override readonly name = "UsageError";
}

const PROXY_VARIABLES = ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"];
const DEFAULT_PORT = 9999;
const DEFAULT_SPEED = 20;
const GREATEST_SPEED = 10_000;

/** @throws UsageError */
export function processSettings(
  env: Readonly<Record<string, string | undefined>>,
  argv: readonly string[],
): ProcessSettings {
  const unknown = argv.find((argument) => argument !== "--simulated");
  if (unknown !== undefined) throw new UsageError(`Unknown argument ${JSON.stringify(unknown)}. Known: --simulated.`);
  return {
    port: number(env, "PORT", DEFAULT_PORT, 0, 65_535),
    host: env.HOST?.trim() || null,
    dataDir: resolve(env.DATA_DIR?.trim() || "./data"),
    simulated: argv.includes("--simulated"),
  };
}

/** Read only when a simulated cluster is wanted. @throws UsageError */
export function simulatedSettings(env: Readonly<Record<string, string | undefined>>): SimulatedSettings {
  return {
    speed: number(env, "SIM_SPEED", DEFAULT_SPEED, 0.1, GREATEST_SPEED),
    faults: env.SIM_FAULTS?.trim() || "[]",
  };
}

function number(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
  fallback: number,
  least: number,
  most: number,
): number {
  const text = env[name]?.trim() ?? "";
  if (text === "") return fallback;
  const value = Number(text);
  if (!Number.isFinite(value) || value < least || value > most)
    throw new UsageError(`${name} is ${JSON.stringify(text)}. It must be a number from ${least} to ${most}.`);
  return value;
}

/**
 * Bun's fetch sends everything through the proxy that these name, what is meant for loopback too. Whatever this process
 * sends goes to the Sparks or to receivers that somebody entered, by the address that was judged: never by way of another
 * machine.
 */
export function ignoreProxies(env: Record<string, string | undefined>): void {
  for (const name of PROXY_VARIABLES) delete env[name];
}
