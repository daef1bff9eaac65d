/** Every model and service behind one address: who is asked, who may ask now, and the passage of bytes. */
import { Fault } from "../fault.ts";
import { Admission, type Release } from "./admission.ts";
import { type Body, isShort, type NamedBody, namedBody, plainBody } from "./body.ts";
import { ConnectionWatch } from "./connection.ts";
import { HoldLine, type HoldMeans } from "./hold-line.ts";
import { LateBody } from "./late-body.ts";
import { type Entered, ModelDoor } from "./model-door.ts";
import { type HeldAsker, ModelHold } from "./model-hold.ts";
import { PATIENCE, type Patience } from "./patience.ts";
import { Passage, type Upstream } from "./proxy.ts";
import { ClientLeft, type Outcome } from "./relay.ts";
import { askReranker, type RerankAnswer, type RerankQuestion } from "./rerank.ts";
import { type Place, Unrouted } from "./route-model.ts";
import { type Limits, notConfigured, type ProxiedKind, type ProxiedService, reach, TRAITS } from "./services.ts";
import type { Pace } from "./upload-pace.ts";

/** Whoever sent a request. */
export interface Asker extends HeldAsker {
  /** Stands for one caller in the queue; never an API key itself. */
  caller(): string;
  /** Seconds without a byte from or to the client after which its connection is closed; 0: none. */
  patience(seconds: number): void;
}

export interface GatewayOptions {
  /** False: nothing is configured, and every request is told so. */
  configured(): boolean;
  places(): readonly Place[];
  /** Key of the catalog's model of that name. */
  keyOf(name: string): string | null;
  service(kind: ProxiedKind): ProxiedService | null;
  limits(): Limits;
  /** How requests for models that are not loaded are held; they are refused where it is not given. */
  readonly hold?: HoldMeans;
  /** Until a held stream gets its first comment; 5 s unless told. */
  readonly firstCommentMs?: number;
  /** At which clients send at least. */
  readonly pace?: Pace;
  /** A request is over. */
  onEnd?(record: RequestRecord): void;
  /** A service failed at what it was asked for. */
  onFailure?(service: string): void;
}

export interface RequestRecord {
  /** Slot or service. */
  readonly upstream: string;
  readonly route: string;
  readonly outcome: Outcome;
  /** Of the answer; null when there was none. */
  readonly status: number | null;
  /** From admission to the end. */
  readonly seconds: number;
  /** From admission to the head of the answer; null when there was none. */
  readonly firstByteSeconds: number | null;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

const CLIENT_CLOSED_REQUEST = 499;
const NO_HOLD: HoldMeans = {
  terms: () => null,
  target: () => ({ slot: "", servingSince: null, isTaken: true }),
  permit: () => undefined,
  begin: () => undefined,
};

const nameOf = ({ slot, served }: Place) => `The model ${served[0] ?? `in slot ${slot}`}`;

export class Gateway {
  readonly #admissions = new Map<string, Admission>();
  readonly #connections = new ConnectionWatch();

  readonly #door: ModelDoor;
  readonly #hold: ModelHold;
  /** Requests for models that are not loaded. */
  readonly line: HoldLine;

  constructor(private readonly options: GatewayOptions) {
    const { places, keyOf, hold = NO_HOLD } = options;
    const admission = (place: Place) => this.#admission(`slot:${place.slot}`, nameOf(place), "chat");
    this.#door = new ModelDoor({ places, keyOf, admission });
    this.line = new HoldLine(hold);
    this.#hold = new ModelHold(this.line, this.#door, options.firstCommentMs);
  }

  /** Requests that a slot works on for callers of this gateway. */
  inFlight(slot: string): number {
    return this.#admissions.get(`slot:${slot}`)?.inFlight ?? 0;
  }

  /** In flight and queued, by slot or service. */
  load(): readonly { readonly upstream: string; readonly inFlight: number; readonly queued: number }[] {
    return [...this.#admissions].map(([key, { inFlight, queued }]) => ({ upstream: key, inFlight, queued }));
  }

  /** To the vLLM that serves the model which the body names. @throws Fault */
  toModel(request: Request, path: string, asker: Asker): Promise<Response> {
    return this.#answer(request, async () => {
      const late = new LateBody();
      if (!isShort(request)) asker.patience(0);
      const body = await namedBody(request, PATIENCE.chat.mostBytes, late.ended, late.failed, this.options.pace);
      return this.#sendToModel(request, path, body, late, asker);
    });
  }

  /** Embeddings: a slot that serves the named model, else the service. @throws Fault */
  toEmbeddings(request: Request, path: string, asker: Asker): Promise<Response> {
    return this.#answer(request, async () => {
      const late = new LateBody();
      if (!isShort(request)) asker.patience(0);
      const body = await namedBody(request, PATIENCE.text.mostBytes, late.ended, late.failed, this.options.pace);
      const service = this.options.service("embeddings");
      const name = body.model?.name;
      const isServed = this.options.places().some(({ open, served }) => open && name && served.includes(name));
      if (isServed || !service) return this.#sendToModel(request, path, body, late, asker);
      return this.#sendToService(request, path, service, body, late, asker);
    });
  }

  /** To a service as it is. @throws Fault */
  toService(kind: ProxiedKind, request: Request, path: string, asker: Asker): Promise<Response> {
    return this.#answer(request, async () => {
      const service = this.#service(kind);
      const late = new LateBody();
      const body = plainBody(request, TRAITS[kind].patience.mostBytes, late.ended, late.failed, this.options.pace);
      return this.#sendToService(request, path, service, body, late, asker);
    });
  }

  /** @throws Fault */
  async rerank(question: RerankQuestion, signal: AbortSignal, asker: Asker): Promise<RerankAnswer> {
    this.requireConfigured();
    const service = this.#service("reranker");
    asker.patience(0);
    const upstream = await reach(service);
    const release = await this.#admissionOf(service).enter(() => asker.caller(), signal);
    const began = performance.now();
    let outcome: Outcome = "failed";
    try {
      const answer = await askReranker(upstream, question, signal);
      outcome = "complete";
      return answer;
    } finally {
      release();
      const seconds = (performance.now() - began) / 1000;
      const status = outcome === "complete" ? 200 : null;
      const ended = { upstream: service.name, route: "/v1/rerank", outcome, status, seconds };
      this.options.onEnd?.({ ...ended, firstByteSeconds: null, bytesIn: 0, bytesOut: 0 });
    }
  }

  async #answer(request: Request, work: () => Promise<Response>): Promise<Response> {
    this.requireConfigured();
    try {
      return await work();
    } catch (error) {
      // A client that has left gets no answer, and is nobody's failure.
      if (error instanceof ClientLeft || request.signal.aborted)
        return new Response(null, { status: CLIENT_CLOSED_REQUEST });
      throw error;
    }
  }

  requireConfigured(): void {
    if (!this.options.configured()) throw notConfigured("The cluster");
  }

  #service(kind: ProxiedKind): ProxiedService {
    const service = this.options.service(kind);
    if (!service) throw notConfigured(`A service for ${TRAITS[kind].what}`);
    return service;
  }

  #admission(key: string, name: string, limit: keyof Limits): Admission {
    let admission = this.#admissions.get(key);
    if (!admission) {
      admission = new Admission(name, () => this.options.limits()[limit]);
      this.#admissions.set(key, admission);
    }
    return admission;
  }

  #admissionOf({ name, kind }: ProxiedService): Admission {
    return this.#admission(`service:${name}`, name, TRAITS[kind].limit);
  }

  async #sendToModel(request: Request, path: string, body: NamedBody, late: LateBody, asker: Asker): Promise<Response> {
    asker.patience(0);
    const send = (asked: Request, content: NamedBody, { release, route }: Entered) => {
      const { slot, origin } = route.place;
      const to = {
        key: `slot:${slot}`,
        upstream: { name: nameOf(route.place), origin, host: null },
        patience: PATIENCE.chat,
      };
      const named = route.rename === null ? content : content.renamed(route.rename);
      return this.#pass(asked, path, to, named, late, release);
    };
    try {
      const entered = this.#door.enter(body.model?.name ?? null, request.signal, () => asker.caller());
      return send(request, body, entered instanceof Promise ? await entered : entered);
    } catch (error) {
      if (!(error instanceof Unrouted && this.#hold.isOn)) throw error;
      return this.#hold.answer({ request, body, unrouted: error, asker }, send);
    }
  }

  async #sendToService(
    request: Request,
    path: string,
    service: ProxiedService,
    body: Body,
    late: LateBody,
    asker: Asker,
  ): Promise<Response> {
    asker.patience(0);
    const { patience } = TRAITS[service.kind];
    const upstream = await reach(service);
    const release = await this.#admissionOf(service).enter(() => asker.caller(), request.signal);
    const response = await this.#pass(
      request,
      path,
      { key: `service:${service.name}`, upstream, patience },
      body,
      late,
      release,
    );
    if (service.kind !== "asr" || response.status !== 500) return response;
    await response.body?.cancel();
    this.options.onFailure?.(service.name);
    throw retryLater(service.name);
  }

  #pass(
    request: Request,
    path: string,
    to: { readonly key: string; readonly upstream: Upstream; readonly patience: Patience },
    body: Body,
    late: LateBody,
    release: Release,
  ): Promise<Response> {
    const began = performance.now();
    let status: number | null = null;
    let firstByteSeconds: number | null = null;
    const query = path.indexOf("?");
    const route = query === -1 ? path : path.slice(0, query);
    const upstream = to.key;
    const passage = new Passage(
      request,
      to.upstream,
      to.patience,
      this.#connections,
      (outcome, { bytesIn, bytesOut }) => {
        release();
        if (outcome === "failed" && status === null) this.#admissions.get(upstream)?.saw(null);
        const seconds = (performance.now() - began) / 1000;
        this.options.onEnd?.({ upstream, route, outcome, status, seconds, firstByteSeconds, bytesIn, bytesOut });
      },
    );
    late.bind(passage.uploaded, passage.uploadFailed);
    return passage.forward(path, body, (code) => {
      status = code;
      firstByteSeconds = (performance.now() - began) / 1000;
      this.#admissions.get(upstream)?.saw(firstByteSeconds * 1000);
    });
  }
}

/** A transcription that failed inside its service: the service may need a moment, and the client asks again. */
export function retryLater(name: string): Fault {
  return new Fault(
    "unavailable",
    "transcription_failed",
    `${name} failed at this transcription. Try again in a minute.`,
    {
      retry_after_seconds: 60,
      failed_by: "upstream",
    },
  );
}
