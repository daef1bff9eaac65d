/** The services that a pair of Sparks usually runs beside vLLM. The names are those of DISABLED_SERVICES. */
import type { ServiceKind } from "./topology.ts";

export interface DefaultService {
  readonly name: string;
  readonly kind: ServiceKind;
  /** Null for a service without HTTP. */
  readonly port: number | null;
  /** Begins the names of its variables: `PARAKEET_HOST`, `PARAKEET_PORT`, `PARAKEET_CONTAINER`. */
  readonly prefix: string;
  readonly about: string;
}

export const DEFAULT_SERVICES: readonly DefaultService[] = [
  { name: "parakeet", kind: "asr", port: 8000, prefix: "PARAKEET", about: "speech recognition" },
  { name: "diarizer", kind: "diarizer", port: 8001, prefix: "DIARIZER", about: "speaker diarization" },
  { name: "kokoro", kind: "tts", port: 8880, prefix: "KOKORO", about: "speech synthesis" },
  { name: "embeddings", kind: "embeddings", port: 8002, prefix: "EMBEDDINGS", about: "embeddings" },
  { name: "reranker", kind: "reranker", port: 8003, prefix: "RERANKER", about: "the reranker" },
  { name: "qdrant", kind: "qdrant", port: 6333, prefix: "QDRANT", about: "the vector database" },
  { name: "matrix-bridge", kind: "bot", port: null, prefix: "MATRIX_BRIDGE", about: "the Matrix bridge" },
];

/** Port of a further service that names none; null = there is no usual port. */
export function usualPort(kind: ServiceKind): number | null {
  if (kind === "vllm") return 8888;
  return DEFAULT_SERVICES.find((service) => service.kind === kind)?.port ?? null;
}
