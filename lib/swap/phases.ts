/**
 * Phases of a vLLM start, read from its log. Source of the lines: vLLM's V1 engine (0.10 to 0.15), in the order in
 * which they appear. Phases only move forward; a line of an earlier phase is ignored.
 */
export const LOAD_PHASES = [
  "containers", // the launch script starts the containers
  "engine", // vLLM starts, reads the configuration
  "weights",
  "compile",
  "kv_cache",
  "graphs",
  "warmup",
  "serving", // the API server opens its port
] as const;
export type LoadPhase = (typeof LOAD_PHASES)[number];

export interface LoadProgress {
  readonly phase: LoadPhase;
  /** 0..1 within the phase; null when the phase reports none. */
  readonly part: number | null;
}

export const LOAD_BEGINS: LoadProgress = { phase: "containers", part: null };

const SIGNS: readonly {
  readonly phase: LoadPhase;
  readonly sign: RegExp;
  readonly part?: (match: RegExpExecArray) => number;
}[] = [
  { phase: "engine", sign: /vLLM API server version|Initializing a V1 LLM engine/ },
  {
    phase: "weights",
    sign: /(?:Loading \w+ checkpoint shards|Loading safetensors using [\w ]+|Multi-thread loading shards):\s+(\d+)%/i,
    part: percent,
  },
  { phase: "weights", sign: /Starting to load model/ },
  {
    phase: "compile",
    sign: /Loading weights took|Model loading took|Dynamo bytecode transform time|torch\.compile takes/,
  },
  { phase: "kv_cache", sign: /Available KV cache memory|GPU KV cache size/ },
  { phase: "graphs", sign: /Capturing CUDA graphs?[^:]*:\s+(\d+)%/, part: percent },
  { phase: "graphs", sign: /FlashInfer autotune|Autotuning process/i },
  { phase: "warmup", sign: /Graph capturing finished|init engine \(profile, create kv cache, warmup model\) took/ },
  { phase: "serving", sign: /Starting vLLM API server|Application startup complete/ },
];

function percent(match: RegExpExecArray): number {
  return Math.min(Number(match[1]), 100) / 100;
}

/** The progress after this line; the same object when the line says nothing new. */
export function advance(current: LoadProgress, line: string): LoadProgress {
  for (const { phase, sign, part } of SIGNS) {
    const match = sign.exec(line);
    if (!match) continue;
    const order = LOAD_PHASES.indexOf(phase) - LOAD_PHASES.indexOf(current.phase);
    const reached = part ? part(match) : null;
    if (order > 0) return { phase, part: reached };
    if (order === 0 && reached !== null && reached > (current.part ?? 0)) return { phase, part: reached };
  }
  return current;
}
