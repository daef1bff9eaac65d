import { i18n } from "../i18n";
import { sdk } from "../sdk";
import { CONTROLLER } from "../utils";

const LIMIT_MS = 10_000;
const MOST_CHARACTERS = 200_000;
const SOURCES = ["/health", "/api/status", "/api/swap?limit=5", "/api/host-keys", "/api/refused-hosts", "/api/upgrade"];
/** The controller shows no secret anywhere; what would look like one is left out all the same. */
const SECRET = /token|secret|password|private|authorization|api_?key/i;

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
    const text = JSON.stringify(Object.fromEntries(entries), withoutSecrets, 2);
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
    return answer.ok ? await answer.json() : `status ${answer.status}`;
  } catch (error) {
    return error instanceof Error ? error.name : "no answer";
  }
}

export function withoutSecrets(key: string, value: unknown): unknown {
  if (SECRET.test(key) && key !== "has_secret") return undefined;
  return typeof value === "string" && /PRIVATE KEY|whsec_/.test(value) ? "…" : value;
}
