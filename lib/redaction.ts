/**
 * Takes secrets out of what is passed on to others. Nothing that is shown should hold one; this is the second door, for what
 * came in from outside: a line of a log, an address with a password, a value that somebody wrote into the wrong field. By what
 * is known to be secret, by name, and by form. Pure.
 */
import type { Model } from "./catalog/catalog.ts";

const GONE = "…";
const NAMES =
  "token|secret|passw(?:or)?d|passphrase|private[_-]?key|api[_-]?key|access[_-]?key|authorization|cookie|credential";
const NAMED = new RegExp(NAMES, "i");
/** Names that only look so: `has_secret: true`, `tokens_in: 512`. */
const isHarmless = (name: string, value: unknown) =>
  value === null || typeof value === "boolean" || (typeof value === "number" && /tokens/i.test(name));
/** A shorter one stands in too many words. */
const SHORTEST = 4;
/** Up to here a secret counts only where it stands alone. */
const SHORT = 8;

const FORMS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, GONE],
  [/whsec_[A-Za-z0-9+/=_-]*/g, GONE],
  [/\b(Bearer)\s+[\w.~+/=-]{4,}/gi, `$1 ${GONE}`],
  [/\b(Basic)\s+(?=[a-z+/]*[A-Z0-9=])[\w+/=-]{8,}/g, `$1 ${GONE}`],
  // User and password, or a token alone, before the host of a URL.
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/?#"'<>]*@/gi, `$1${GONE}@`],
  // Also within JSON that is text within JSON.
  [
    new RegExp(`([\\w-]*(?:${NAMES})[\\w-]*\\\\*["']?\\s*[=:]\\s*)(?:\\\\*"[^"]*"|'[^']*'|[^\\s"'&,;}\\])]+)`, "gi"),
    `$1${GONE}`,
  ],
  [new RegExp(`(--[\\w-]*(?:${NAMES})[\\w-]*\\s+)(?:"[^"]*"|'[^']*'|\\S+)`, "gi"), `$1${GONE}`],
  [/\b(?:hf_|ghp_|gho_|ghs_|github_pat_|glpat-|sk-|xox[abprs]-|AKIA)[\w-]{8,}/g, GONE],
  [/\beyJ[\w-]{4,}\.[\w-]+\.[\w-]*/g, GONE],
];

export interface Redaction {
  readonly env: Secrets["env"];
  readonly config: { readonly current: { readonly catalog: { readonly models: Secrets["models"] } } };
  readonly identity: { readonly privateKey: string };
  readonly webhooks: { secrets(): readonly string[] };
}

/** Looks at what is secret anew each time. */
export function createRedaction({ env, config, identity, webhooks }: Redaction): (value: unknown) => unknown {
  return (value) => {
    const { models } = config.current.catalog;
    return redact(value, knownSecrets({ env, models, webhooks: webhooks.secrets(), privateKey: identity.privateKey }));
  };
}

export interface Secrets {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly models: readonly Pick<Model, "env" | "args">[];
  readonly webhooks: readonly string[];
  readonly privateKey: string;
}

/** Every value that is known to be secret. */
export function knownSecrets({ env, models, webhooks, privateKey }: Secrets): readonly string[] {
  const named = (values: Readonly<Record<string, string | undefined>>) =>
    Object.entries(values).flatMap(([name, value]) => (NAMED.test(name) && value ? [value] : []));
  const inArguments = (args: readonly string[]) =>
    args.flatMap((arg, index) => {
      if (!arg.startsWith("-") || !NAMED.test(arg.split("=")[0] ?? "")) return [];
      return arg.includes("=") ? [arg.slice(arg.indexOf("=") + 1)] : [args[index + 1] ?? ""];
    });
  // Each line of the key alone, too: it may have been wrapped otherwise.
  const key = privateKey.split("\n").filter((line) => line.length > 16 && !line.startsWith("-----"));
  // The address of a webhook may carry a key in its path.
  const address = env.WEBHOOK_URL ? [env.WEBHOOK_URL] : [];
  return [
    ...named(env),
    ...address,
    ...models.flatMap((model) => [...named(model.env), ...inArguments(model.args)]),
    ...webhooks,
    ...key,
  ];
}

/** A copy in which every secret is left out: a value under a telling name is gone, in texts it is replaced. */
export function redact(value: unknown, secrets: readonly string[] = []): unknown {
  const hidden = patternOf(secrets);
  const inText = (text: string) =>
    FORMS.reduce((rest, [form, instead]) => rest.replace(form, instead), hidden ? text.replace(hidden, GONE) : text);
  const walk = (one: unknown): unknown => {
    if (typeof one === "string") return inText(one);
    if (Array.isArray(one)) return one.map(walk);
    if (typeof one !== "object" || one === null) return one;
    const kept = Object.entries(one).filter(([name, inner]) => !NAMED.test(name) || isHarmless(name, inner));
    return Object.fromEntries(kept.map(([name, inner]) => [inText(name), walk(inner)]));
  };
  return walk(value);
}

/** Each secret as it is, and as it stands in a URL, in JSON and in base64; the longest first. */
function patternOf(secrets: readonly string[]): RegExp | null {
  const spelt = secrets.flatMap((secret) => [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    Buffer.from(secret).toString("base64").replace(/=+$/, ""),
  ]);
  const wanted = [...new Set(spelt.map((text) => text.trim()).filter((text) => text.length >= SHORTEST))];
  if (wanted.length === 0) return null;
  wanted.sort((one, other) => other.length - one.length);
  const literal = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
  const alone = (text: string) => `(?<![A-Za-z0-9])${literal(text)}(?![A-Za-z0-9])`;
  return new RegExp(wanted.map((text) => (text.length < SHORT ? alone(text) : literal(text))).join("|"), "g");
}
