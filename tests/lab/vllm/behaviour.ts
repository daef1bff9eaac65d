/**
 * How a model behaves in the lab: written by a test to `lab.json` in the host's Hugging Face cache, which every launch
 * script mounts into the container. `{…defaults, "models": {"org/name": {…}}}`; the entry of a model wins.
 */
import { readFileSync } from "node:fs";

/**
 * oom: no memory while weights load. memory: less free than asked for. engine: the engine core dies of a bug.
 * stuck: stays at 0 %. killed: SIGKILL in the middle, without a word. exit0: ends before it is ready, with 0.
 * die_after_ready: exits with 1 after `afterSeconds`. engine_dead: `/health` turns 503 after `afterSeconds`.
 */
export type Failure = "oom" | "memory" | "engine" | "stuck" | "killed" | "exit0" | "die_after_ready" | "engine_dead";

export interface Behaviour {
  /** From the first line to ready, in seconds. */
  readonly loadSeconds: number;
  readonly fail: Failure | null;
  /** For the failures after ready, in seconds. */
  readonly afterSeconds: number;
  /** Tokens of an answer unless the request asks for fewer. */
  readonly tokens: number;
  /** Pause between tokens. */
  readonly tokenDelayMs: number;
  /** Lines `line 000001 <Unix ms>` that the engine and each rank write while they load; see tests/bench/numbered-lines.ts. */
  readonly numberedLines: number;
  /** Silence of the other node after which the engine counts it as dead, in seconds; a closed connection counts at once. */
  readonly rankTimeoutSeconds: number;
}

export const DEFAULT_BEHAVIOUR: Behaviour = {
  loadSeconds: 2,
  fail: null,
  afterSeconds: 1,
  tokens: 16,
  tokenDelayMs: 5,
  numberedLines: 0,
  rankTimeoutSeconds: 60,
};

export interface BehaviourFile extends Partial<Behaviour> {
  readonly models?: Readonly<Record<string, Partial<Behaviour>>>;
}

/** Reads the file once, at start. A missing one means the defaults. */
export function readBehaviour(model: string, cache = process.env.HF_HOME ?? "/root/.cache/huggingface"): Behaviour {
  let file: BehaviourFile = {};
  try {
    file = JSON.parse(readFileSync(`${cache}/lab.json`, "utf8")) as BehaviourFile;
  } catch {
    // No file: nothing special was asked for.
  }
  const { models, ...defaults } = file;
  const seconds = Number(process.env.LAB_LOAD_SECONDS ?? Number.NaN);
  const fromEnvironment = Number.isFinite(seconds) ? { loadSeconds: seconds } : {};
  return { ...DEFAULT_BEHAVIOUR, ...defaults, ...fromEnvironment, ...models?.[model] };
}
