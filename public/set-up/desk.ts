/** What a form about the Sparks works on: the settings as they are, the draft, its refusals, the checks. */
import { sentenceOf } from "../api.ts";
import { type Signal, signal } from "../store.ts";
import {
  type CheckPlan,
  type CheckResult,
  confirmKey,
  FieldsRefused,
  fetchSetup,
  runChecks,
  type SetupAnswer,
  saveSetup,
} from "./calls.ts";
import {
  type Draft,
  draftOf,
  EMPTY,
  entriesOf,
  keepDraft,
  readDraft,
  type SparkField,
  withSpark,
  withValue,
} from "./draft.ts";

export interface Run {
  readonly state: "none" | "running" | "done" | "broken";
  readonly plan: CheckPlan;
  readonly results: ReadonlyMap<string, CheckResult>;
  /** Why it broke off. */
  readonly reason: string | null;
}

const NO_RUN: Run = { state: "none", plan: [], results: new Map(), reason: null };

export const resultKey = (node: string, check: string): string => `${node} ${check}`;

export class Desk {
  readonly setup: Signal<SetupAnswer | null> = signal<SetupAnswer | null>(null);
  readonly draft: Signal<Draft>;
  /** Field → why its value was refused. */
  readonly errors: Signal<ReadonlyMap<string, string>> = signal<ReadonlyMap<string, string>>(new Map());
  /** A refusal of the whole, in one sentence. */
  readonly refusal: Signal<string | null> = signal<string | null>(null);
  readonly run: Signal<Run> = signal<Run>(NO_RUN);
  readonly busy: Signal<boolean> = signal(false);
  /** Something was entered that is not saved. */
  readonly changed: Signal<boolean> = signal(false);
  #round = 0;

  /** @param key under which the draft is kept for this tab; null: not at all */
  constructor(private readonly key: string | null) {
    const kept = key === null ? null : readDraft(key);
    this.draft = signal(kept ?? EMPTY);
    this.changed.value = kept !== null;
  }

  /** Takes the settings as they are; what was entered meanwhile stays. */
  async load(): Promise<void> {
    await this.#careful(async () => {
      this.setup.value = await fetchSetup();
      if (!this.changed.value) this.draft.value = draftOf(this.setup.value);
    });
  }

  enter(place: string, value: string): void {
    this.#change(withValue(this.draft.value, place, value));
    if (!this.errors.value.has(place)) return;
    const left = new Map(this.errors.value);
    left.delete(place);
    this.errors.value = left;
  }

  add(): void {
    this.#change(withSpark(this.draft.value));
  }

  remove(name: string): void {
    const { sparks } = this.draft.value;
    this.#change({ ...this.draft.value, sparks: sparks.filter((spark) => spark.name !== name) });
    this.errors.value = new Map();
  }

  /** Back to what is saved. */
  discard(): void {
    if (this.setup.value) this.draft.value = draftOf(this.setup.value);
    this.changed.value = false;
    this.errors.value = new Map();
    this.refusal.value = null;
    this.forget();
  }

  /** Whether it could be saved; says what is wrong where it could not. */
  validate(): Promise<boolean> {
    return this.#save(true);
  }

  async save(): Promise<boolean> {
    const saved = await this.#save(false);
    if (saved) {
      this.changed.value = false;
      this.forget();
      if (this.setup.value) this.draft.value = draftOf(this.setup.value);
    }
    return saved;
  }

  async check(): Promise<void> {
    const round = ++this.#round;
    const { entries, errors } = entriesOf(this.draft.value);
    this.errors.value = errors;
    this.refusal.value = null;
    if (errors.size > 0) return;
    const tell = (change: Partial<Run>) => {
      if (round === this.#round) this.run.value = { ...this.run.value, ...change };
    };
    this.run.value = { ...NO_RUN, state: "running" };
    try {
      await runChecks(entries, {
        plan: (plan) => tell({ plan }),
        result: (result) => {
          const results = new Map(this.run.value.results).set(resultKey(result.node, result.check), result);
          tell({ results });
        },
      });
      tell({ state: "done" });
    } catch (error) {
      if (round === this.#round) this.#refused(error);
      tell({
        state: "broken",
        reason: sentenceOf(error),
      });
    }
  }

  /** What holds for a Spark once this is saved: what was entered, else what the environment or the default says. */
  valueOf(name: string, field: SparkField): string {
    const entered = this.draft.value.sparks.find((spark) => spark.name === name)?.[field].trim();
    const setting = this.setup.value?.nodes.find((node) => node.name === name)?.settings[field];
    const other = setting && setting.from !== "file" ? setting.value : null;
    return entered || String(other ?? "");
  }

  /** Trusts the key that a Spark showed, then looks again. */
  async confirm(result: CheckResult): Promise<void> {
    const host = this.valueOf(result.node, "host");
    const port = Number(this.valueOf(result.node, "ssh_port") || SSH_PORT);
    const { confirm } = result;
    if (host === "" || confirm === null) return;
    const done = await this.#careful(() => confirmKey(host, port, confirm.fingerprint));
    if (done) await this.check();
  }

  /** Removes what this tab keeps. */
  forget(): void {
    if (this.key !== null) sessionStorage.removeItem(this.key);
  }

  #change(draft: Draft): void {
    this.draft.value = draft;
    this.changed.value = true;
    if (this.key !== null) keepDraft(this.key, draft);
  }

  async #save(trial: boolean): Promise<boolean> {
    const { entries, errors } = entriesOf(this.draft.value);
    this.errors.value = errors;
    if (errors.size > 0) return false;
    return this.#careful(async () => {
      const setup = await saveSetup(entries, trial);
      if (!trial) this.setup.value = setup;
    });
  }

  async #careful(work: () => Promise<void>): Promise<boolean> {
    this.busy.value = true;
    this.refusal.value = null;
    try {
      await work();
      return true;
    } catch (error) {
      this.#refused(error);
      return false;
    } finally {
      this.busy.value = false;
    }
  }

  #refused(error: unknown): void {
    if (error instanceof FieldsRefused) this.errors.value = error.fields;
    const places = [...this.errors.value.keys()].filter((place) => place !== "");
    // What stands beside its field is not said twice.
    const isBeside = error instanceof FieldsRefused && places.length > 0;
    const message = sentenceOf(error);
    this.refusal.value = isBeside ? null : message;
  }
}

const SSH_PORT = 22;
