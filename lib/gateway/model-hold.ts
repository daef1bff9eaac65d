/** A request for a model that is not loaded: kept whole, held until its model is there, and answered then. */
import { asksForEvents } from "./asks-for-events.ts";
import { type NamedBody, type WholeBody, wholeBody } from "./body.ts";
import { heldAnswer } from "./held-answer.ts";
import type { HoldLine, Whence, Wish } from "./hold-line.ts";
import type { Entered, ModelDoor } from "./model-door.ts";
import type { Share } from "./room.ts";
import { Unrouted } from "./route-model.ts";

export interface HeldAsker {
  caller(): string;
  /** For the audit log; nothing secret. */
  from(): Whence;
  /** What calls, for the history of swaps. */
  product(): string;
  mayBegin(): boolean;
  /** Of the reservation. */
  token(): string | null;
}

export class ModelHold {
  constructor(
    private readonly line: HoldLine,
    private readonly door: ModelDoor,
    private readonly firstCommentMs?: number,
  ) {}

  get isOn(): boolean {
    return this.line.isOn;
  }

  /**
   * @param send passes the request on once it has a place
   * @throws Fault
   */
  async answer(
    { request, body, share, unrouted, asker, onFailure }: HeldRequest,
    send: (request: Request, body: NamedBody, entered: Entered) => Promise<Response>,
  ): Promise<Response> {
    const wish = {
      caller: asker.caller(),
      from: asker.from(),
      mayBegin: asker.mayBegin(),
      token: asker.token(),
      by: `gateway: ${asker.product()}`,
      route: () => void this.door.route(body.model?.name ?? null),
    };
    // What is refused at once is refused before its body is read.
    this.line.judge(wish, unrouted);
    const gone = new AbortController();
    const signal = AbortSignal.any([request.signal, gone.signal]);
    // No place is taken for a client that is still sending: others, and drains, would wait for it.
    const arrived = Promise.withResolvers<void>();
    // It may be refused before it has come that far.
    arrived.promise.catch(() => undefined);
    const entering = this.#enter(signal, body.model?.name ?? null, wish, unrouted, arrived.promise);
    // Refused while its body still comes: the rest of it is not waited for.
    const refused = new AbortController();
    entering.catch((error) => refused.abort(error));
    // All of it is kept from here on, what was read of it included. What was read ahead is given back as it is read again.
    share.shrink(body.reader?.keptBytes ?? 0);
    let whole: WholeBody;
    try {
      whole = await wholeBody(body, (bytes) => share.take(bytes), AbortSignal.any([signal, refused.signal]));
    } catch (error) {
      share.free();
      gone.abort();
      arrived.reject(error);
      throw error;
    }
    arrived.resolve();
    // It may be refused before it is looked at. What is kept is free once the answer begins, or the request is over.
    if (!(await asksForEvents(whole.content))) return send(request, whole, await entering);
    const asked = plainly(request, signal);
    const answer = entering.then((place) => {
      if (!signal.aborted) return send(asked, whole, place);
      place.release();
      throw signal.reason;
    });
    answer.catch((error) => onFailure(error, signal.aborted));
    return heldAnswer(answer, () => gone.abort(), this.firstCommentMs);
  }

  /** Waits for the model, for the body and then for a place, again where the model has gone meanwhile. */
  async #enter(
    signal: AbortSignal,
    name: string | null,
    wish: Wish,
    first: Unrouted,
    arrived: Promise<void>,
  ): Promise<Entered> {
    let unrouted = first;
    const deadline = this.line.deadline();
    while (true) {
      await this.line.wait(wish, unrouted, signal, deadline);
      await arrived;
      try {
        return await this.door.enter(name, (admission) => admission.enter(() => wish.caller, signal, true));
      } catch (error) {
        if (!(error instanceof Unrouted)) throw error;
        unrouted = error;
      }
    }
  }
}

export interface HeldRequest {
  readonly request: Request;
  readonly body: NamedBody;
  /** Of the room for bodies: what is kept of this one. */
  readonly share: Share;
  readonly unrouted: Unrouted;
  readonly asker: HeldAsker;
  /** It gets no answer of its model, but perhaps events already. @param left its client has gone */
  onFailure(error: unknown, left: boolean): void;
}

/** The same request, whose answer may not be compressed: its head is out before the upstream is asked. */
function plainly(request: Request, signal: AbortSignal): Request {
  const headers = new Headers(request.headers);
  headers.set("accept-encoding", "identity");
  return new Request(request.url, { method: request.method, headers, signal });
}
