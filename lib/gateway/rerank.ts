/**
 * Reranking in one shape, whatever the reranker speaks. TEI wants `texts` and answers `[{index, score}]`; Infinity and vLLM
 * want `documents` and answer `{results: [{index, relevance_score}]}`. Each ignores the other's field.
 */
import { Fault } from "../fault.ts";
import { ConnectTimeout } from "./connections.ts";
import { Knock } from "./knock.ts";
import { PATIENCE, type Patience } from "./patience.ts";
import type { Upstream } from "./proxy.ts";
import { upstreamFault } from "./relay.ts";
import { shortAnswer } from "./short-answer.ts";

export interface RerankQuestion {
  readonly model?: string | undefined;
  readonly query: string;
  readonly documents: readonly string[];
  readonly topN?: number | undefined;
  readonly returnDocuments?: boolean | undefined;
}

export interface RerankAnswer {
  readonly object: "rerank.result";
  readonly model: string;
  /** Best first. */
  readonly results: readonly {
    readonly index: number;
    readonly relevance_score: number;
    readonly document?: { readonly text: string };
  }[];
}

/** TEI serves `/rerank`, Infinity and vLLM both. */
const PATHS = ["/rerank", "/v1/rerank"];
const MOST_SAID = 300;
/** A place and a score for each of the documents, of which there are 8 MiB at most; in all shapes without their text. */
const MOST_ANSWER_BYTES = 16 * 1024 * 1024;

/** @throws Fault `invalid` what the reranker refuses; `upstream`, `timeout` */
export async function askReranker(
  upstream: Upstream,
  question: RerankQuestion,
  signal: AbortSignal,
  patience: Pick<Patience, "connectMs" | "firstByteMs" | "totalMs"> = PATIENCE.text,
): Promise<RerankAnswer> {
  const { query, documents, model } = question;
  const body = JSON.stringify({
    ...(model === undefined ? {} : { model }),
    query,
    documents,
    texts: documents,
    // Logits, not probabilities: TEI's and Infinity's word for it.
    raw_scores: true,
    return_documents: false,
    return_text: false,
  });
  const deadline = AbortSignal.timeout(patience.totalMs);
  try {
    for (const path of PATHS) {
      const silence = watch(upstream, patience);
      const response = await fetch(upstream.origin + path, {
        method: "POST",
        headers: { "content-type": "application/json", ...(upstream.host === null ? {} : { host: upstream.host }) },
        body,
        redirect: "manual",
        signal: AbortSignal.any([signal, deadline, silence.signal]),
      }).finally(() => silence.over());
      const text = await shortAnswer(upstream.name, response, MOST_ANSWER_BYTES);
      if (response.status === 404 && path !== PATHS.at(-1)) continue;
      if (response.status !== 200) throw refused(upstream.name, response.status, text);
      return normalised(upstream.name, text, question);
    }
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (deadline.aborted)
      throw new Fault(
        "timeout",
        "upstream_timeout",
        `${upstream.name} did not answer within ${patience.totalMs / 1000} s.`,
      );
    throw upstreamFault(upstream.name, error);
  }
  throw new Fault("upstream", "upstream_failed", `${upstream.name} knows no reranking.`);
}

/** An answer that comes sooner is not watched for. */
const KNOCK_AFTER_MS = 100;

/** Ends a question at whose address nothing answers, or to which no answer begins in time: `fetch` tells neither of the two. */
function watch({ name, origin }: Upstream, { connectMs, firstByteMs }: Pick<Patience, "connectMs" | "firstByteMs">) {
  const gone = new AbortController();
  let knock: Knock | null = null;
  let connecting: ReturnType<typeof setTimeout> | undefined;
  const asking = setTimeout(
    () => {
      const { hostname, port } = new URL(origin);
      knock = new Knock(hostname.replace(/^\[|\]$/g, ""), Number(port || 80));
      connecting = setTimeout(() => gone.abort(new ConnectTimeout()), Math.max(1, connectMs - KNOCK_AFTER_MS));
      const isThere = () => {
        clearTimeout(connecting);
        knock?.end();
      };
      // What is answered instead the question itself is told.
      knock.answered.then(isThere, isThere);
    },
    Math.min(KNOCK_AFTER_MS, connectMs),
  );
  const late = () => {
    const message = `${name} did not begin to answer within ${Math.round(firstByteMs / 100) / 10} s.`;
    gone.abort(new Fault("timeout", "upstream_timeout", message));
  };
  const beginning = setTimeout(late, firstByteMs);
  return {
    signal: gone.signal,
    over() {
      for (const timer of [asking, connecting, beginning]) clearTimeout(timer);
      knock?.end();
    },
  };
}

function refused(name: string, status: number, said: string): Fault {
  const message = `${name} answered ${status}: ${said.slice(0, MOST_SAID)}`;
  if (status >= 400 && status < 500)
    return new Fault("invalid", "upstream_refused", message, { failed_by: "upstream" });
  return new Fault("upstream", "upstream_failed", message);
}

/** @throws Fault `upstream` for an answer of no known shape */
export function normalised(name: string, text: string, question: RerankQuestion): RerankAnswer {
  const { documents, topN = documents.length, returnDocuments = false } = question;
  const answer = parsed(text);
  const list = Array.isArray(answer) ? answer : (answer as { results?: unknown } | null)?.results;
  const scored = Array.isArray(list) ? list.map(scoreOf) : null;
  if (!scored || scored.some((one) => one === null || documents[one.index] === undefined))
    throw new Fault("upstream", "upstream_failed", `${name} answered in a shape that is not known.`);
  const said = (answer as { model?: unknown }).model;
  return {
    object: "rerank.result",
    model: typeof said === "string" ? said : (question.model ?? name),
    results: (scored as { index: number; score: number }[])
      .sort((a, b) => b.score - a.score || a.index - b.index)
      .slice(0, topN)
      .map(({ index, score }) => ({
        index,
        relevance_score: score,
        ...(returnDocuments ? { document: { text: documents[index]! } } : {}),
      })),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function scoreOf(entry: unknown): { index: number; score: number } | null {
  if (typeof entry !== "object" || entry === null) return null;
  const { index, score, relevance_score } = entry as Record<string, unknown>;
  const value = relevance_score ?? score;
  if (typeof index !== "number" || !Number.isInteger(index) || index < 0 || typeof value !== "number") return null;
  return { index, score: value };
}
