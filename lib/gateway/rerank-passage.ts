/** A question to the reranker, once it has its place: what is noted of it, and what the admission learns from it. */
import { Fault } from "../fault.ts";
import type { Admission, Release } from "./admission.ts";
import type { Connections } from "./connections.ts";
import type { Upstream } from "./proxy.ts";
import { askReranker, type RerankAnswer, type RerankQuestion } from "./rerank.ts";
import { NOTHING_PASSED, type Trace } from "./trace.ts";

interface Entry {
  readonly release: Release;
  readonly admission: Admission | undefined;
  readonly trace: Trace;
}

/** @throws Fault; the signal's reason */
export async function passQuestion(
  connections: Connections,
  upstream: Upstream,
  question: RerankQuestion,
  signal: AbortSignal,
  { release, admission, trace }: Entry,
): Promise<RerankAnswer> {
  trace.begins();
  const onHead = (status: number, latencyMs: number | null) => {
    trace.status = status;
    // To refuse takes no time.
    if (latencyMs !== null && status < 400) admission?.saw(latencyMs);
  };
  try {
    const answer = await askReranker(connections, upstream, question, signal, { onHead });
    trace.end("complete");
    return answer;
  } catch (error) {
    const fault = error instanceof Fault ? error : null;
    // An answer like those of other upstreams that pass as they are, in other words.
    if (fault?.kind === "invalid") trace.end("complete", NOTHING_PASSED, fault);
    // That a client has left is for whoever asked to tell.
    else if (!signal.aborted) {
      if (trace.status === null) admission?.saw(null);
      trace.end("failed", NOTHING_PASSED, fault);
    }
    throw error;
  } finally {
    release();
  }
}
