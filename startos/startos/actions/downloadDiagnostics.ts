import { readFile } from "node:fs/promises";
import { readWebhook } from "../fileModels/webhook.json";
import { i18n } from "../i18n";
import { sdk } from "../sdk";
import { CONTROLLER } from "../utils";

const LIMIT_MS = 10_000;
const MOST_CHARACTERS = 200_000;
/** `/api/diagnostics` is made for it: the controller knows its secrets, and takes them out. */
const SOURCES = ["/health", "/api/diagnostics"];
const NAMES = "token|secret|passw(?:or)?d|passphrase|private_?key|authorization|api[_-]?key|credential";
const NAMED = new RegExp(NAMES, "i");
const GONE = "…";
/** The second door, for what the controller may have missed. */
const FORMS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, GONE],
  [/whsec_[A-Za-z0-9+/=_-]*/g, GONE],
  [/\b(Bearer)\s+[\w.~+/=-]{4,}/gi, `$1 ${GONE}`],
  [/\b(Basic)\s+(?=[a-z+/]*[A-Z0-9=])[\w+/=-]{8,}/g, `$1 ${GONE}`],
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/?#"'<>]*@/gi, `$1${GONE}@`],
  [new RegExp(`([\\w-]*(?:${NAMES})[\\w-]*["']?\\s*[=:]\\s*)[^\\s"'&,;}\\])]+`, "gi"), `$1${GONE}`],
];

export const downloadDiagnostics = sdk.Action.withoutInput(
  "download-diagnostics",
  async () => ({
    name: i18n("Download diagnostics"),
    description: i18n(
      "What the dashboard knows, as text to pass on: states, problems, the last swaps. No secrets, no prompts.",
    ),
    warning: null,
    allowedStatuses: "only-running",
    group: null,
    visibility: "enabled",
  }),
  async () => {
    const entries = await Promise.all(SOURCES.map(async (path) => [path, await read(path)] as const));
    const text = JSON.stringify(withoutSecrets(Object.fromEntries(entries), await known()), null, 2);
    return {
      version: "1",
      title: i18n("Diagnostics"),
      message: i18n("Addresses and names of your network are in it. Read it before you pass it on."),
      result: { type: "single", value: text.slice(0, MOST_CHARACTERS), copyable: true, qr: false, masked: false },
    };
  },
);

async function read(path: string): Promise<unknown> {
  try {
    const answer = await fetch(CONTROLLER + path, { signal: AbortSignal.timeout(LIMIT_MS) });
    return answer.ok ? JSON.parse(await answer.text()) : `status ${answer.status}`;
  } catch (error) {
    return error instanceof Error ? error.name : "no answer";
  }
}

/** Secrets that lie on the volume in the open; those of the databases are known to the controller only. */
async function known(): Promise<string[]> {
  const key = await readFile(sdk.volumes.main.subpath("id_ed25519"), "utf8").catch(() => "");
  const lines = key.split("\n").filter((line) => line.length > 16 && !line.startsWith("-----"));
  const { webhook } = await readWebhook();
  return webhook?.secret ? [...lines, webhook.secret] : lines;
}

export function withoutSecrets(value: unknown, secrets: readonly string[]): unknown {
  if (typeof value === "string") {
    const text = secrets.reduce((rest, secret) => rest.replaceAll(secret, GONE), value);
    return FORMS.reduce((rest, [form, instead]) => rest.replace(form, instead), text);
  }
  if (Array.isArray(value)) return value.map((one) => withoutSecrets(one, secrets));
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(
    ([name, inner]) => !NAMED.test(name) || (typeof inner !== "object" && typeof inner !== "string"),
  );
  return Object.fromEntries(
    kept.map(([name, inner]) => [withoutSecrets(name, secrets), withoutSecrets(inner, secrets)]),
  );
}
