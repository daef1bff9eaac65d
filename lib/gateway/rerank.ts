/**
 * Reranking in one shape, whatever the reranker speaks. TEI wants `texts` and answers `[{index, score}]`; Infinity and vLLM
 * want `documents` and answer `{results: [{index, relevance_score}]}`. Each ignores the other's field.
 */
import { Fault } from "../fault.ts";
import type { Answer } from "./answer.ts";
import type { Question } from "./connection.ts";
import type { Connections } from "./connections.ts";
import { Deadlines } from "./deadlines.ts";
import { PATIENCE, type Patience } from "./patience.ts";
import type { Upstream } from "./proxy.ts";
import { ClientLeft, causeOf, upstreamFault } from "./relay.ts";
import { shortAnswer } from "./short-answer.ts";
import { Stop } from "./stop.ts";

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
/** A longer question is sent as an upload is: its answer is not waited for before the reranker has taken it. */
const SHORT_BYTES = 64 * 1024;
/** A place and a score for each of the documents, of which there are 8 MiB at most; in all shapes without their text. */
const MOST_ANSWER_BYTES = 16 * 1024 * 1024;

interface Asking {
  readonly patience?: Omit<Patience, "mostBytes">;
  /** The answer has begun. @param latencyMs after the reranker had all of the question; null: before that */
  onHead?(status: number, latencyMs: number | null): void;
}

/** @throws Fault `invalid` what the reranker refuses; `upstream`, `timeout`; the signal's reason */
export async function askReranker(
  connections: Connections,
  upstream: Upstream,
  question: RerankQuestion,
  signal: AbortSignal,
  { patience = PATIENCE.text, onHead }: Asking = {},
): Promise<RerankAnswer> {
  const { query, documents, model } = question;
  const body = {
    ...(model === undefined ? {} : { model }),
    query,
    documents,
    texts: documents,
    // Logits, not probabilities: TEI's and Infinity's word for it.
    raw_scores: true,
    return_documents: false,
    return_text: false,
  };
  const content = new TextEncoder().encode(JSON.stringify(body));
  const stop = new Stop();
  const leave = () => stop.stop(new ClientLeft());
  signal.addEventListener("abort", leave, { once: true });
  if (signal.aborted) leave();
  const deadlines = new Deadlines(upstream.name, patience, (fault) => stop.stop(fault));
  deadlines.begin();
  try {
    for (const path of PATHS) {
      let askedAt: number | null = null;
      let hasHead = false;
      const onTaken = () => {
        askedAt = performance.now();
        if (!hasHead) deadlines.sent();
      };
      if (content.length <= SHORT_BYTES) onTaken();
      const asked = questionOf(path, upstream, content, patience.silenceMs, onTaken);
      const answer = await connections.ask(upstream.origin, asked, patience.connectMs, stop);
      hasHead = true;
      deadlines.answering();
      const isElsewhere = answer.status === 404 && path !== PATHS.at(-1);
      if (!isElsewhere) onHead?.(answer.status, askedAt === null ? null : performance.now() - askedAt);
      const text = await shortAnswer(upstream.name, piecesOf(answer, deadlines), MOST_ANSWER_BYTES);
      if (isElsewhere) continue;
      if (answer.status !== 200) throw refused(upstream.name, answer.status, text);
      return normalised(upstream.name, text, question);
    }
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw upstreamFault(upstream.name, causeOf(error, stop));
  } finally {
    deadlines.over();
    signal.removeEventListener("abort", leave);
  }
  throw new Fault("upstream", "upstream_failed", `${upstream.name} knows no reranking.`);
}

function questionOf(
  path: string,
  { origin, host }: Upstream,
  content: Uint8Array,
  stallMs: number,
  onTaken: () => void,
): Question {
  const lines = [
    `POST ${path} HTTP/1.1`,
    `host: ${host ?? origin.slice("http://".length)}`,
    "content-type: application/json",
    "accept: application/json",
    "accept-encoding: identity",
    `content-length: ${content.length}`,
  ];
  const question = { method: "POST", head: `${lines.join("\r\n")}\r\n\r\n`, stallMs };
  if (content.length <= SHORT_BYTES) return { ...question, body: { content, length: null } };
  return { ...question, body: { content: inOnePiece(content), length: content.length }, onTaken };
}

function inOnePiece(content: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(content);
      controller.close();
    },
  });
}

/** Whoever stops before the end lets go of the rest. */
async function* piecesOf(answer: Answer, deadlines: Deadlines): AsyncGenerator<Uint8Array> {
  try {
    for (;;) {
      deadlines.wait();
      const piece = await answer.read();
      if (piece === null) return;
      deadlines.moved();
      yield piece;
    }
  } finally {
    answer.cancel();
  }
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
