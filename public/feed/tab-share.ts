/**
 * Where tabs cannot share a worker (Chrome on Android): one of them holds the stream and passes on what it hears. Web
 * Locks would choose it, but need a secure context; here tabs agree by themselves. A tab that is not looked at never
 * leads: browsers freeze it without a word, and its connection would stay taken.
 */
import { EventStream, type FeedMessage } from "./event-stream.ts";
import type { Link } from "./link.ts";

const CHANNEL = "feed";
/** How long a tab waits for an answer before it claims to lead, and for rivals before it does. */
const ELECTION_MS = 150;
const LEAD_EVERY_MS = 1_500;
/** A leader that says nothing for this long is gone. */
const LEADER_SILENCE_MS = 4_000;

type Word =
  /** A tab has joined, and needs a snapshot. */
  | { readonly say: "who leads" }
  | { readonly say: "claim" | "lead"; readonly id: string; readonly term: number }
  | { readonly say: "resign" }
  | { readonly say: "feed"; readonly message: FeedMessage };

export class TabShare implements Link {
  readonly #id = Array.from(crypto.getRandomValues(new Uint32Array(2))).join("-");
  readonly #channel = new BroadcastChannel(CHANNEL);
  #isJoined = false;
  /** Grows with every leader, so that one that was frozen learns that it is none any more. */
  #term = 0;
  #stream: EventStream | null = null;
  #heardAt = 0;
  #claim: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly tell: (message: FeedMessage) => void) {
    this.#channel.onmessage = ({ data }: MessageEvent<Word>) => this.#hear(data);
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.#resign();
      else if (this.#isJoined) this.#ask();
    });
    setInterval(() => {
      if (this.#stream) this.#lead();
      else if (Date.now() - this.#heardAt > LEADER_SILENCE_MS) this.#elect();
    }, LEAD_EVERY_MS);
  }

  join(): void {
    this.#isJoined = true;
    this.#ask();
  }

  leave(): void {
    this.#isJoined = false;
    clearTimeout(this.#claim);
    this.#claim = undefined;
    this.#resign();
  }

  /** Whoever leads answers with a snapshot; when nobody does, this tab may. */
  #ask(): void {
    if (this.#stream) {
      this.#snapshot();
      return;
    }
    this.#post({ say: "who leads" });
    this.#elect();
  }

  #elect(): void {
    if (!this.#isJoined || document.hidden || this.#claim !== undefined) return;
    // Not all at the same moment.
    this.#claim = setTimeout(
      () => {
        this.#term += 1;
        this.#post({ say: "claim", id: this.#id, term: this.#term });
        this.#claim = setTimeout(() => {
          this.#claim = undefined;
          this.#stream = new EventStream((message) => {
            this.tell(message);
            this.#post({ say: "feed", message });
          });
          this.#stream.open();
          this.#lead();
        }, ELECTION_MS);
      },
      ELECTION_MS * (1 + Math.random()),
    );
  }

  #hear(word: Word): void {
    switch (word.say) {
      case "who leads":
        if (this.#stream) {
          this.#lead();
          this.#snapshot();
        }
        break;
      case "claim":
        if (this.#stream) this.#lead();
        else if (this.#isAbove(word)) this.#standBack(word.term);
        break;
      case "lead":
        if (this.#stream && !this.#isAbove(word)) this.#lead();
        else this.#follow(word.term);
        break;
      case "resign":
        this.#elect();
        break;
      case "feed":
        this.#heardAt = Date.now();
        if (this.#isJoined && !this.#stream) this.tell(word.message);
    }
  }

  #isAbove({ id, term }: { readonly id: string; readonly term: number }): boolean {
    return term > this.#term || (term === this.#term && id < this.#id);
  }

  #follow(term: number): void {
    const led = this.#stream !== null;
    this.#stream?.close();
    this.#stream = null;
    this.#standBack(term);
    // What came while this tab was frozen was for the others.
    if (led && this.#isJoined) this.#post({ say: "who leads" });
  }

  #standBack(term: number): void {
    clearTimeout(this.#claim);
    this.#claim = undefined;
    this.#term = Math.max(this.#term, term);
    this.#heardAt = Date.now();
  }

  #lead(): void {
    this.#post({ say: "lead", id: this.#id, term: this.#term });
  }

  #resign(): void {
    if (!this.#stream) return;
    this.#stream.close();
    this.#stream = null;
    this.#post({ say: "resign" });
  }

  /** For all, by a new connection that takes over from the old one. */
  #snapshot(): void {
    const cut = this.#stream?.cut;
    if (cut) this.#post({ say: "feed", message: cut });
    else this.#stream?.open();
  }

  #post(word: Word): void {
    this.#channel.postMessage(word);
  }
}
