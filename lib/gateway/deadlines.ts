/** The deadlines of one request: one timer, however many pieces the answer has, and none until it is begun. */
import { Fault } from "../fault.ts";
import type { Patience } from "./patience.ts";

export class Deadlines {
  #timer: ReturnType<typeof setTimeout> | null = null;
  #hasBegun = false;
  #armed: { readonly milliseconds: number; then(): void } | null = null;
  #ends = Number.POSITIVE_INFINITY;
  #moved = false;
  /** A piece is asked for. While the client takes its time over the last one, the upstream's silence is not its own. */
  #waits = false;

  /** @param expire called once, with what took too long */
  constructor(
    private readonly name: string,
    private readonly patience: Pick<Patience, "firstByteMs" | "silenceMs" | "totalMs">,
    private readonly expire: (fault: Fault) => void,
  ) {}

  /** From now on there is a timer; what was armed before counts from here. */
  begin(): void {
    this.#hasBegun = true;
    if (this.#armed) this.#arm(this.#armed.milliseconds, this.#armed.then);
    this.#armed = null;
  }

  /** The upload has ended: the upstream has the word. */
  sent(): void {
    const { firstByteMs, totalMs } = this.patience;
    this.#ends = Date.now() + totalMs;
    const limitMs = Math.min(firstByteMs, totalMs);
    this.#arm(limitMs, () => this.#expire(limitMs, "did not begin to answer"));
  }

  /** The head of the answer is there. */
  answering(): void {
    if (this.#ends === Number.POSITIVE_INFINITY) this.#ends = Date.now() + this.patience.totalMs;
    this.#watch();
  }

  /** The next piece of the answer is wanted. */
  wait(): void {
    this.#waits = true;
  }

  /** A piece of the answer has come. */
  moved(): void {
    this.#moved = true;
    this.#waits = false;
  }

  over(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#armed = null;
  }

  /** Looks once in each interval of silence whether anything came: a silence is noticed after one to two of them. */
  #watch(): void {
    const left = this.#ends - Date.now();
    const { silenceMs, totalMs } = this.patience;
    if (left <= 0) {
      this.#expire(totalMs, "did not finish its answer");
      return;
    }
    this.#moved = false;
    this.#arm(Math.min(silenceMs, left), () => {
      if (this.#waits && !this.#moved && Date.now() < this.#ends)
        this.#expire(silenceMs, "fell silent in the middle of its answer");
      else this.#watch();
    });
  }

  #arm(milliseconds: number, then: () => void): void {
    this.over();
    if (this.#hasBegun) this.#timer = setTimeout(then, milliseconds);
    else this.#armed = { milliseconds, then };
  }

  #expire(afterMs: number, what: string): void {
    this.over();
    const seconds = Math.round(afterMs / 100) / 10;
    this.expire(new Fault("timeout", "upstream_timeout", `${this.name} ${what} within ${seconds} s.`));
  }
}
