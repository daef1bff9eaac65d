/**
 * A webhook may lead back to the controller by an address that it cannot know as its own: a published port of its container, a
 * proxy, a tunnel. So each delivery carries a mark of the process that sent it, and what comes back with it is refused,
 * wherever it leads: a `service_up` that restarts a service would go round for ever.
 */
const MARK = "x-spark-delivery";

export class LoopMark {
  readonly #value = crypto.randomUUID();

  /** What a delivery carries. */
  readonly headers: Readonly<Record<string, string>> = { [MARK]: this.#value };

  /** @returns what the refusal of a request carries that is a delivery of this process; null when it is none */
  refusalFor(request: Headers): Readonly<Record<string, string>> | null {
    return request.get(MARK) === this.#value ? this.headers : null;
  }
}

/** Whether the answer to a delivery is the refusal of the process that sent it. */
export function isLoop(sent: Readonly<Record<string, string>>, answer: Headers): boolean {
  return sent[MARK] !== undefined && answer.get(MARK) === sent[MARK];
}
