/** Which slot a request for a model goes to. Pure. */
import { Fault } from "../fault.ts";

/** A slot as the gateway needs it. */
export interface Place {
  readonly slot: string;
  /** `http://<address>:<port>`; null while the address is not known. */
  readonly origin: string | null;
  /** Requests may go there: it serves, and no swap has begun to empty it. */
  readonly open: boolean;
  /** Names that its vLLM answers to, the main one first. */
  readonly served: readonly string[];
  /** Further names of the same model: key, aliases, repository. */
  readonly aliases: readonly string[];
  /** A swap owns it. */
  readonly swap: {
    /** Names of the model that is being loaded. */
    readonly names: readonly string[];
    readonly model: string;
    readonly etaSeconds: number | null;
  } | null;
}

export interface Route {
  readonly place: Place & { readonly origin: string };
  /** What the vLLM must be asked for, where it does not know the name that was given. */
  readonly rename: string | null;
}

/** A model that no slot serves now. */
export class Unrouted extends Fault {
  constructor(
    kind: "not_found" | "unavailable",
    code: "model_not_loaded" | "model_loading" | "model_unloading",
    message: string,
    members: Readonly<Record<string, unknown>>,
    /** Key of the catalog; null: it has none of that name, or none was named. */
    readonly key: string | null,
  ) {
    super(kind, code, message, members);
  }

  /** A swap that runs now brings it. */
  get isComing(): boolean {
    return this.code === "model_loading";
  }
}

const LEAST_RETRY_SECONDS = 5;
const MOST_RETRY_SECONDS = 60;

const isOpen = (place: Place): place is Route["place"] => place.open && place.origin !== null;

/**
 * @param name what the request asks for; null: nothing, and the first model answers
 * @param keyOf key of the catalog's model of that name; null when there is none
 * @throws Unrouted
 */
export function routeModel(
  name: string | null,
  places: readonly Place[],
  keyOf: (name: string) => string | null,
): Route {
  // The usual case, without anything made for it.
  for (const place of places)
    if (isOpen(place) && (name === null || place.served.includes(name))) return { place, rename: null };
  const open = places.filter(isOpen);
  const alias = name === null ? undefined : open.find((place) => place.aliases.includes(name));
  if (alias) return { place: alias, rename: alias.served[0] ?? null };
  const swapping = places.find(
    ({ swap, served, aliases }) => swap && (name === null || [...swap.names, ...served, ...aliases].includes(name)),
  );
  const key = name === null ? null : keyOf(name);
  if (swapping?.swap) throw inSwap(swapping.swap, name, key);
  throw notLoaded(name, open, key);
}

function inSwap(
  { names, model, etaSeconds }: NonNullable<Place["swap"]>,
  name: string | null,
  key: string | null,
): Unrouted {
  const retry = Math.min(MOST_RETRY_SECONDS, Math.max(LEAST_RETRY_SECONDS, etaSeconds ?? MOST_RETRY_SECONDS));
  const isComing = name === null || names.includes(name);
  const eta = etaSeconds === null ? "" : ` It takes about ${etaSeconds} s more.`;
  const message = isComing
    ? `The model ${model} is being loaded.${eta}`
    : `The cluster is swapping from this model to ${model}.${eta}`;
  const members = { param: "model", retry_after_seconds: retry };
  return new Unrouted("unavailable", isComing ? "model_loading" : "model_unloading", message, members, key);
}

function notLoaded(name: string | null, open: readonly Place[], key: string | null): Unrouted {
  const loaded = open.flatMap(({ served }) => served);
  const now = loaded.length === 0 ? "No model is loaded." : `Loaded: ${loaded.join(", ")}.`;
  const swap = key === null ? null : { method: "POST", path: "/api/swap", body: { model: key } };
  const how = swap
    ? ` To load it: POST /api/swap ${JSON.stringify(swap.body)}.`
    : name === null
      ? " To load one: POST /api/swap with a key of GET /api/models."
      : " The catalog (GET /api/models) has no model of that name.";
  const what = name === null ? "" : "The model that was asked for is not loaded. ";
  const members = { param: "model", should_retry: false, loaded, ...(swap ? { swap } : {}) };
  return new Unrouted("not_found", "model_not_loaded", `${what}${now}${how}`, members, key);
}
