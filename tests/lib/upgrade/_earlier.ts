/** A data folder as the earlier version leaves it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { generateKeyPair } from "../../../lib/ssh/key-pair.ts";

export interface Earlier {
  readonly dataDir: string;
  readonly publicKeyLine: string;
  remove(): void;
}

/** A host key as ssh-keyscan would print it, without the host. */
export const hostKeyLine = (): string => generateKeyPair("host").publicKeyLine.split(" ").slice(0, 2).join(" ");

/** @param files by path; `PRIVATE!` stands for a private key, `HOSTKEY!` for a host's public one */
export function makeEarlier(files: Readonly<Record<string, string>>): Earlier {
  const dataDir = mkdtempSync(join(tmpdir(), "spark-earlier-"));
  const pair = generateKeyPair("spark-control");
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dataDir, name)), { recursive: true });
    // The earlier version did not care for modes.
    writeFileSync(
      join(dataDir, name),
      text.replace("PRIVATE!", pair.privateKey).replaceAll("HOSTKEY!", () => hostKeyLine()),
      { mode: 0o644 },
    );
  }
  return {
    dataDir,
    publicKeyLine: pair.publicKeyLine,
    remove: () => rmSync(dataDir, { recursive: true, force: true }),
  };
}

/** Everything that the earlier version knew, as it should be. */
export const WHOLE: Readonly<Record<string, string>> = {
  "app_settings.json": JSON.stringify({
    SPARK1_HOST: "10.77.0.11",
    SPARK1_USER: "alice",
    SPARK2_HOST: "10.77.0.12",
    SPARK2_USER: "alice",
    SSH_KEY_PATH: "/data/ssh/id_ed25519",
    VLLM_PORT: "8899",
    VLLM_CONTAINER: "vllm_big",
    DISABLED_SERVICES: "reranker, kokoro",
    PARAKEET_PORT: 8010,
    QDRANT_HOST: "10.77.0.20",
    MATRIX_BRIDGE_USER: "bob",
    ALLOWED_HOSTS: "spark.example.com",
    WEBHOOK_URL: "http://10.77.0.30:8080/hook",
    WEBHOOK_SECRET: "not-for-the-log",
  }),
  "models-overrides.yaml":
    "# mine\nmodels:\n  tuned:\n    name: Tuned\n    local_path: /srv/models/tuned\n    nodes: 2\n",
  "services-overrides.yaml":
    "services:\n  wiki:\n    kind: http\n    node: spark-1\n    port: 8090\n    container: wiki\n",
  "ssh/id_ed25519": "PRIVATE!",
  "ssh/known_hosts": "# kept by ssh\n10.77.0.11 HOSTKEY!\n[10.77.0.12]:2222 HOSTKEY! a comment\n",
};
