/** What happened to the lock as its clients saw it: each call with when it was sent, when it was answered, and the answer. */

export type Call =
  /** `name` belongs to one grant only: a repeat after a lost answer has the same. */
  | { readonly do: "acquire"; readonly name: string; readonly ttlMs: number }
  | { readonly do: "renew"; readonly name: string; readonly ttlMs: number }
  | { readonly do: "release"; readonly name: string }
  /** `name` is the grant that is meant, by its generation; null: whichever there is. */
  | { readonly do: "force"; readonly name: string | null }
  | { readonly do: "get" }
  /** `name` is the grant whose token is shown; null: none. */
  | { readonly do: "swap"; readonly name: string | null };

/** A grant as an answer shows it. */
export interface Seen {
  readonly name: string;
  readonly generation: number;
  /** Milliseconds since 1970, of the server's clock, which is this machine's. */
  readonly expiresMs: number;
}

export type Outcome =
  | { readonly is: "granted"; readonly seen: Seen }
  | { readonly is: "renewed"; readonly seen: Seen }
  /** Refused or shown: this is what was held. */
  | { readonly is: "held"; readonly seen: Seen }
  /** Nothing was held. */
  | { readonly is: "free" }
  /** Nothing is held after it, whatever was before. */
  | { readonly is: "freed" }
  /** The gate let it pass, though it was refused for another reason. */
  | { readonly is: "permitted" }
  | { readonly is: "claimed"; readonly generation: number }
  /** Refused for a reason that says nothing about what is held. */
  | { readonly is: "other"; readonly code: string };

export interface Op {
  readonly client: number;
  readonly call: Call;
  readonly sentMs: number;
  /** Null: the answer was lost; the call may have taken effect at any time after it was sent, or never. */
  readonly answeredMs: number | null;
  readonly outcome: Outcome | null;
}
