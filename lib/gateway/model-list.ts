/** `/v1/models`: what is loaded, what could be, and what the services beside vLLM have. OpenAI's list, with more members. */
import { Fault } from "../fault.ts";
import type { Place } from "./route-model.ts";
import { type ProxiedKind, type ProxiedService, reach } from "./services.ts";
import { shortAnswer } from "./short-answer.ts";

export interface ListedModel {
  readonly id: string;
  readonly object: "model";
  /** Seconds since the epoch: when this controller started. */
  readonly created: number;
  readonly owned_by: string;
  readonly kind: "chat" | ProxiedKind;
  /** Answers now. One that is not loaded answers 404 `model_not_loaded`. */
  readonly loaded: boolean;
  /** Slot or service. */
  readonly where: string | null;
  /** Key of the catalog. */
  readonly key: string | null;
  readonly aliases: readonly string[];
  readonly max_model_len: number | null;
  readonly voices?: readonly { readonly id: string; readonly name: string }[];
}

/** A model of the catalog as it is listed. */
export interface LoadableModel {
  readonly key: string;
  readonly servedName: string;
  readonly aliases: readonly string[];
  readonly maxModelLen: number | null;
}

const ASK_DEADLINE_MS = 2_000;
/** Some hundred voices or models are tens of kilobytes. */
const MOST_LIST_BYTES = 1024 * 1024;
/** What a service has changes when it is restarted. */
const KEEP_MS = 15_000;

interface Known {
  readonly at: number;
  readonly models: readonly ListedModel[];
}

export class ModelList {
  readonly #known = new Map<string, Known>();

  constructor(
    private readonly options: {
      /** Seconds since the epoch. */
      readonly created: number;
      places(): readonly Place[];
      catalog(): readonly LoadableModel[];
      services(): readonly ProxiedService[];
      /** Key of the model that a slot serves. */
      keyOf(name: string): string | null;
    },
  ) {}

  async all(): Promise<ListedModel[]> {
    const beside = await Promise.all(this.options.services().map((service) => this.#ofService(service)));
    return unique([...this.#loaded(), ...this.#loadable(), ...beside.flat()]);
  }

  #entry(more: Pick<ListedModel, "id" | "kind" | "loaded" | "where"> & Partial<ListedModel>): ListedModel {
    const { created } = this.options;
    return {
      object: "model",
      created,
      owned_by: "spark-control",
      key: null,
      max_model_len: null,
      ...more,
      aliases: [...new Set(more.aliases)].filter((name) => name !== more.id),
    };
  }

  #loaded(): ListedModel[] {
    const { places, keyOf, catalog } = this.options;
    return places()
      .filter(({ open, origin }) => open && origin !== null)
      .flatMap(({ slot, served, aliases }) =>
        served.map((id) => {
          const key = keyOf(id);
          const known = catalog().find((model) => model.key === key);
          const max_model_len = known?.maxModelLen ?? null;
          return this.#entry({ id, kind: "chat", loaded: true, where: slot, key, aliases, max_model_len });
        }),
      );
  }

  #loadable(): ListedModel[] {
    return this.options.catalog().map(({ key, servedName, aliases, maxModelLen }) =>
      this.#entry({
        id: servedName,
        kind: "chat",
        loaded: false,
        where: null,
        key,
        aliases,
        max_model_len: maxModelLen,
      }),
    );
  }

  async #ofService(service: ProxiedService): Promise<readonly ListedModel[]> {
    const known = this.#known.get(service.name);
    if (known && Date.now() - known.at < KEEP_MS) return known.models;
    const models = await this.#ask(service);
    this.#known.set(service.name, { at: Date.now(), models });
    return models;
  }

  async #ask(service: ProxiedService): Promise<ListedModel[]> {
    const { kind, name } = service;
    const upstream = await reach(service).catch(() => null);
    const get = async (path: string): Promise<unknown> => {
      if (!upstream) return null;
      try {
        const response = await fetch(upstream.origin + path, {
          redirect: "manual",
          signal: AbortSignal.timeout(ASK_DEADLINE_MS),
          ...(upstream.host === null ? {} : { headers: { host: upstream.host } }),
        });
        if (response.status === 200) return JSON.parse(await shortAnswer(name, response.body, MOST_LIST_BYTES));
        await response.body?.cancel();
        return {};
      } catch (error) {
        // It answers, though nothing that is a list.
        return error instanceof Fault || error instanceof SyntaxError ? {} : null;
      }
    };
    const [listed, spoken] = await Promise.all([get("/v1/models"), kind === "tts" ? get("/v1/audio/voices") : null]);
    const answers = listed !== null || spoken !== null;
    const ids = idsOf(listed);
    return (ids.length > 0 ? ids : [name]).map((id) =>
      this.#entry({ id, kind, loaded: answers, where: name, ...(kind === "tts" ? { voices: voicesOf(spoken) } : {}) }),
    );
  }
}

function idsOf(answer: unknown): string[] {
  const data = (answer as { data?: unknown } | null)?.data;
  if (!Array.isArray(data)) return [];
  return data.flatMap((entry: { id?: unknown } | null) => (typeof entry?.id === "string" ? [entry.id] : []));
}

/** Kokoro-FastAPI lists objects; its old releases lists of strings. */
export function voicesOf(answer: unknown): { id: string; name: string }[] {
  const voices = (answer as { voices?: unknown } | null)?.voices;
  if (!Array.isArray(voices)) return [];
  return voices.flatMap((voice: unknown) => {
    if (typeof voice === "string") return [{ id: voice, name: voice }];
    const { id, name } = (voice ?? {}) as { id?: unknown; name?: unknown };
    return typeof id === "string" ? [{ id, name: typeof name === "string" ? name : id }] : [];
  });
}

/** The first of each id: what is loaded before what could be. */
function unique(models: readonly ListedModel[]): ListedModel[] {
  const ids = new Set<string>();
  return models.filter(({ id }) => !ids.has(id) && ids.add(id));
}
