/** What is being entered about the Sparks, as text, before it is saved. */
import type { SetupAnswer, SetupEntries } from "./calls.ts";

export const SPARK_FIELDS = ["host", "user", "ssh_port", "address", "launch_dir", "eth_if", "ib_if"] as const;
export type SparkField = (typeof SPARK_FIELDS)[number];
export const VLLM_FIELDS = ["port", "container", "image"] as const;
export type VllmField = (typeof VLLM_FIELDS)[number];

export interface DraftSpark extends Readonly<Record<SparkField, string>> {
  readonly name: string;
}
export interface Draft {
  readonly sparks: readonly DraftSpark[];
  readonly vllm: Readonly<Record<VllmField, string>>;
}

export const MOST_SPARKS = 8;
const BLANK: Readonly<Record<SparkField, string>> = {
  host: "",
  user: "",
  ssh_port: "",
  address: "",
  launch_dir: "",
  eth_if: "",
  ib_if: "",
};

export const EMPTY: Draft = { sparks: [{ name: "spark-1", ...BLANK }], vllm: { port: "", container: "", image: "" } };

/** What is set now: defaults and what the environment says stay blank. */
export function draftOf(answer: SetupAnswer): Draft {
  const own = ({ value, from }: { value: string | number | null; from: string }) =>
    from === "file" && value !== null ? String(value) : "";
  const texts = <K extends string>(keys: readonly K[], of: Readonly<Record<K, Parameters<typeof own>[0]>>) =>
    Object.fromEntries(keys.map((key) => [key, own(of[key])])) as Record<K, string>;
  const sparks = answer.nodes.map(({ name, settings }) => ({ name, ...texts(SPARK_FIELDS, settings) }));
  return { sparks: sparks.length > 0 ? sparks : EMPTY.sparks, vllm: texts(VLLM_FIELDS, answer.vllm) };
}

export function withSpark(draft: Draft): Draft {
  const names = new Set(draft.sparks.map(({ name }) => name));
  let number = 1;
  while (names.has(`spark-${number}`)) number += 1;
  // The launch script uses one user name on all Sparks.
  const user = draft.sparks[0]?.user ?? "";
  return { ...draft, sparks: [...draft.sparks, { name: `spark-${number}`, ...BLANK, user }] };
}

/** @param place of a form field: `/nodes/0/host`, `/vllm/port` */
export function withValue(draft: Draft, place: string, value: string): Draft {
  const [, section, second = "", third = ""] = place.split("/");
  if (section === "vllm") return { ...draft, vllm: { ...draft.vllm, [second]: value } };
  const at = Number(second);
  return {
    ...draft,
    sparks: draft.sparks.map((spark, index) => (index === at ? { ...spark, [third]: value } : spark)),
  };
}

const WHOLE = /^\d{1,6}$/;

/** As the API takes it; a port that is no number is said here, because it has no place in a body. */
export function entriesOf({ sparks, vllm }: Draft): { entries: SetupEntries; errors: Map<string, string> } {
  const errors = new Map<string, string>();
  const text = (value: string) => value.trim() || null;
  const whole = (value: string, place: string) => {
    const said = value.trim();
    if (said !== "" && !WHOLE.test(said)) errors.set(place, "The port must be a whole number.");
    return WHOLE.test(said) ? Number(said) : null;
  };
  const nodes = sparks.map((spark, index) => ({
    name: spark.name,
    host: text(spark.host),
    user: text(spark.user),
    ssh_port: whole(spark.ssh_port, `/nodes/${index}/ssh_port`),
    address: text(spark.address),
    launch_dir: text(spark.launch_dir),
    eth_if: text(spark.eth_if),
    ib_if: text(spark.ib_if),
  }));
  const port = whole(vllm.port, "/vllm/port");
  return { entries: { nodes, vllm: { port, container: text(vllm.container), image: text(vllm.image) } }, errors };
}

/** Kept for this tab, so that a reload loses nothing. */
export function readDraft(key: string): Draft | null {
  try {
    const kept = JSON.parse(sessionStorage.getItem(key) ?? "null") as Draft | null;
    if (!Array.isArray(kept?.sparks) || kept.sparks.length === 0) return null;
    const sparks = kept.sparks.map((spark) => ({ ...BLANK, ...spark }));
    return { sparks, vllm: { ...EMPTY.vllm, ...kept.vllm } };
  } catch {
    return null;
  }
}

export function keepDraft(key: string, draft: Draft): void {
  sessionStorage.setItem(key, JSON.stringify(draft));
}
