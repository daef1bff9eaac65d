/** Every model and service behind one address: who is asked, who may ask now, and the passage of bytes. */
import { type Fault, isSenders } from "../fault.ts";
import { type Pace, UPLOAD_PACE } from "../upload-pace.ts";
import type { Release } from "./admission.ts";
import { Admissions, type Load } from "./admissions.ts";
import { type Body, isShort, type NamedBody, namedBody, plainBody } from "./body.ts";
import { Connections } from "./connections.ts";
import { HoldLine, type HoldMeans, NO_HOLD } from "./hold-line.ts";
import { LateBody } from "./late-body.ts";
import { type Entered, ModelDoor } from "./model-door.ts";
import { ModelHold } from "./model-hold.ts";
import { PATIENCE, type Patience } from "./patience.ts";
import { Passage, type Upstream } from "./proxy.ts";
import type { Outcome } from "./relay.ts";
import type { RerankAnswer, RerankQuestion } from "./rerank.ts";
import { passQuestion } from "./rerank-passage.ts";
import { Room } from "./room.ts";
import { type Place, Unrouted } from "./route-model.ts";
import { type Limits, notConfigured, type ProxiedKind, type ProxiedService, reach, TRAITS } from "./services.ts";
import { type Asker, type Passed, Trace, type TraceOptions } from "./trace.ts";
import { retryLater, unanswered } from "./unanswered.ts";

export interface GatewayOptions extends TraceOptions {
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
  /** Of all bodies together, in memory; 256 MiB unless told. */
  readonly mostKeptBytes?: number;
  /** The usual one unless told. */
  readonly pace?: Pace;
  /** A service failed at what it was asked for. */
  onFailure?(service: string): void;
}

const nameOf = ({ slot, served }: Place) => `The model ${served[0] ?? `in slot ${slot}`}`;

export class Gateway {
  readonly #admissions: Admissions;
  /** For what is kept of bodies: until their models are known, until these are loaded, and where upstreams take nothing of them. */
  readonly #room: Room;
  readonly #connections: Connections;

  readonly #door: ModelDoor;
  readonly #hold: ModelHold;
  /** At which clients send at least. */
  readonly pace: Pace;
  /** Requests for models that are not loaded. */
  readonly line: HoldLine;

  constructor(private readonly options: GatewayOptions) {
    const { places, keyOf, hold = NO_HOLD, pace = UPLOAD_PACE } = options;
    this.pace = pace;
    this.#admissions = new Admissions(options.limits);
    const admission = (place: Place) => this.#admissions.of(`slot:${place.slot}`, nameOf(place), "chat");
    this.#room = new Room(options.mostKeptBytes);
    this.#connections = new Connections({ room: this.#room });
    this.#door = new ModelDoor({ places, keyOf, admission });
    this.line = new HoldLine(hold);
    this.#hold = new ModelHold(this.line, this.#door, options.firstCommentMs);
  }

  /** Requests that a slot works on for callers of this gateway. */
  inFlight(slot: string): number {
    return this.#admissions.get(`slot:${slot}`)?.inFlight ?? 0;
  }

  /** In flight and queued, by slot or service. */
  load(): readonly Load[] {
    return this.#admissions.load();
  }

  /** Of bodies, in memory. */
  get keptBytes(): number {
    return this.#room.bytes;
  }

  /** To the vLLM that serves the model which the body names. @throws Fault */
  async toModel(request: Request, path: string, asker: Asker): Promise<Response> {
    const trace = this.#trace(path, asker);
    try {
      this.requireConfigured();
      const late = new LateBody();
      const body = await this.#named(request, PATIENCE.chat, late, trace);
      return await this.#sendToModel(request, path, body, late, trace);
    } catch (error) {
      return unanswered(error, request, trace);
    }
  }

  /** Embeddings: a slot that serves the named model, else the service. @throws Fault */
  async toEmbeddings(request: Request, path: string, asker: Asker): Promise<Response> {
    const trace = this.#trace(path, asker);
    try {
      this.requireConfigured();
      const late = new LateBody();
      const body = await this.#named(request, PATIENCE.text, late, trace);
      const service = this.options.service("embeddings");
      const name = body.model?.name ?? null;
      const isServed = this.options.places().some(({ open, served }) => open && name && served.includes(name));
      if (isServed || !service) return await this.#sendToModel(request, path, body, late, trace);
      trace.model = name;
      return await this.#sendToService(request, path, service, body, late, trace);
    } catch (error) {
      return unanswered(error, request, trace);
    }
  }

  /** @throws Fault */
  #named(request: Request, { mostBytes }: Patience, late: LateBody, trace: Trace): Promise<NamedBody> {
    if (!isShort(request)) {
      trace.maySilence();
      trace.share = this.#room.share();
    }
    return namedBody(request, mostBytes, late, trace.share, this.pace);
  }

  /** To a service as it is. @throws Fault */
  async toService(kind: ProxiedKind, request: Request, path: string, asker: Asker): Promise<Response> {
    const trace = this.#trace(path, asker);
    try {
      this.requireConfigured();
      const service = this.#service(kind);
      const late = new LateBody();
      if (!isShort(request)) trace.maySilence();
      const body = await plainBody(request, TRAITS[kind].patience.mostBytes, late, this.pace);
      return await this.#sendToService(request, path, service, body, late, trace);
    } catch (error) {
      return unanswered(error, request, trace);
    }
  }

  /** @returns null when its client has left @throws Fault */
  async rerank(question: RerankQuestion, signal: AbortSignal, asker: Asker): Promise<RerankAnswer | null> {
    const trace = new Trace("/v1/rerank", asker, this.options);
    trace.model = question.model ?? null;
    try {
      this.requireConfigured();
      const service = this.#service("reranker");
      trace.maySilence();
      const upstream = await reach(service);
      const release = await this.#enterService(service, { signal }, trace);
      const admission = this.#admissions.get(trace.upstream ?? "");
      return await passQuestion(this.#connections, upstream, question, signal, { release, admission, trace });
    } catch (error) {
      if (signal.aborted) {
        trace.end("left");
        return null;
      }
      trace.endedBy(error);
      throw error;
    }
  }

  #trace(path: string, asker: Asker): Trace {
    const query = path.indexOf("?");
    return new Trace(query === -1 ? path : path.slice(0, query), asker, this.options);
  }

  requireConfigured(): void {
    if (!this.options.configured()) throw notConfigured("The cluster");
  }

  #service(kind: ProxiedKind): ProxiedService {
    const service = this.options.service(kind);
    if (!service) throw notConfigured(`A service for ${TRAITS[kind].what}`);
    return service;
  }

  #enterService(
    { name, kind }: ProxiedService,
    asked: { readonly signal: AbortSignal },
    trace: Trace,
  ): Release | Promise<Release> {
    trace.upstream = `service:${name}`;
    return trace.enters(this.#admissions.of(trace.upstream, name, TRAITS[kind].limit), asked);
  }

  #sendToModel(request: Request, path: string, body: NamedBody, late: LateBody, trace: Trace): Promise<Response> {
    trace.model = body.model?.name ?? null;
    let entered: Entered | Promise<Entered>;
    try {
      entered = this.#door.enter(trace.model, (admission, slot, hasWaited) => {
        trace.upstream = `slot:${slot}`;
        return trace.enters(admission, request, hasWaited);
      });
    } catch (error) {
      return this.#heldFor(error, request, path, body, late, trace);
    }
    // A promise for what is there already takes time.
    if (!(entered instanceof Promise)) return this.#sendToPlace(request, path, body, entered, late, trace);
    return this.#waits(entered, body, trace).then(
      (given) => this.#sendToPlace(request, path, body, given, late, trace),
      (error) => this.#heldFor(error, request, path, body, late, trace),
    );
  }

  /** Held until its model is there, if that is why it has no place. @throws the error else */
  #heldFor(
    error: unknown,
    request: Request,
    path: string,
    body: NamedBody,
    late: LateBody,
    trace: Trace,
  ): Promise<Response> {
    if (!(error instanceof Unrouted && this.#hold.isOn)) throw error;
    trace.isHeld();
    trace.share ??= this.#room.share();
    const { share, asker } = trace;
    const onFailure = (cause: unknown, left: boolean) => (left ? trace.end("left") : trace.endedBy(cause));
    return this.#hold.answer({ request, body, share, unrouted: error, asker, onFailure }, (asked, whole, given) =>
      this.#sendToPlace(asked, path, whole, given, late, trace),
    );
  }

  #sendToPlace(
    request: Request,
    path: string,
    body: NamedBody,
    { release, route }: Entered,
    late: LateBody,
    trace: Trace,
  ): Promise<Response> {
    const { slot, origin, served } = route.place;
    trace.upstream = `slot:${slot}`;
    trace.model = served[0] ?? trace.model;
    const to = { upstream: { name: nameOf(route.place), origin, host: null }, patience: PATIENCE.chat };
    const named = route.rename === null ? body : body.renamed(route.rename);
    return this.#pass(request, path, to, named, late, release, trace);
  }

  /** Until a request has its place. Its body is read on meanwhile, so that it is seen when its client leaves. */
  #waits<Place>(entering: Promise<Place>, { reader }: Body, trace: Trace): Promise<Place> {
    if (!reader) return entering;
    trace.share ??= this.#room.share();
    return reader.during(entering, trace.share);
  }

  async #sendToService(
    request: Request,
    path: string,
    service: ProxiedService,
    body: Body,
    late: LateBody,
    trace: Trace,
  ): Promise<Response> {
    trace.maySilence();
    const { patience } = TRAITS[service.kind];
    const upstream = await reach(service);
    const entered = this.#enterService(service, request, trace);
    const release = entered instanceof Promise ? await this.#waits(entered, body, trace) : entered;
    const response = await this.#pass(request, path, { upstream, patience }, body, late, release, trace);
    if (service.kind !== "asr" || response.status !== 500) return response;
    await response.body?.cancel();
    this.options.onFailure?.(service.name);
    throw retryLater(service.name);
  }

  #pass(
    request: Request,
    path: string,
    to: { readonly upstream: Upstream; readonly patience: Patience },
    body: Body,
    late: LateBody,
    release: Release,
    trace: Trace,
  ): Promise<Response> {
    const admission = this.#admissions.get(trace.upstream ?? "");
    trace.begins();
    const onEnd = (outcome: Outcome, passed: Passed, fault: Fault | null) => {
      release();
      // What may not be passed on is nobody's failure.
      if (fault?.kind === "malformed") return trace.endedBy(fault);
      if (outcome === "failed" && trace.status === null && !isSenders(fault)) admission?.saw(null);
      trace.end(outcome, passed, fault);
    };
    const passage = new Passage(request, to.upstream, to.patience, this.#connections, onEnd, () => trace.lasts());
    late.bind(passage);
    return passage.forward(path, body, (status) => {
      trace.status = status;
      trace.share?.free();
      // What its client takes to send is not the upstream's time, and to refuse takes none.
      if (passage.askedAt !== null && status < 400) admission?.saw(performance.now() - passage.askedAt);
    });
  }
}
