/**
 * Each name that the earlier version had in its settings, as it was written there, and where its value is read here. The names are
 * not taken from the product's own table: one that is missing there would be missing here too.
 */
import { describe, expect, test } from "bun:test";
import { earlier, endEach, items, servicesOf, start, topologyOf } from "./_start.ts";

endEach();

const NODES = {
  SPARK1_HOST: ["host", "10.77.0.11"],
  SPARK1_USER: ["user", "alice"],
  SPARK1_SSH_PORT: ["ssh_port", 2201],
  SPARK1_ADDRESS: ["address", "10.77.1.1"],
  SPARK1_LAUNCH_DIR: ["launch_dir", "/srv/launch-1"],
  SPARK1_ETH_IF: ["eth_if", "enp1s0"],
  SPARK1_IB_IF: ["ib_if", "rocep1s0"],
  SPARK2_HOST: ["host", "10.77.0.12"],
  SPARK2_USER: ["user", "bob"],
  SPARK2_SSH_PORT: ["ssh_port", 2202],
  SPARK2_ADDRESS: ["address", "10.77.1.2"],
  SPARK2_LAUNCH_DIR: ["launch_dir", "/srv/launch-2"],
  SPARK2_ETH_IF: ["eth_if", "enp2s0"],
  SPARK2_IB_IF: ["ib_if", "rocep2s0"],
} as const;
const SLOT = {
  VLLM_PORT: ["port", 8899],
  VLLM_CONTAINER: ["container", "vllm_big"],
  VLLM_IMAGE: ["image", "vllm-big:1"],
} as const;
const SERVICES = {
  PARAKEET_HOST: ["parakeet", "host", "10.77.0.21"],
  PARAKEET_PORT: ["parakeet", "port", 8101],
  PARAKEET_CONTAINER: ["parakeet", "container", "own-parakeet"],
  DIARIZER_HOST: ["diarizer", "host", "10.77.0.22"],
  DIARIZER_PORT: ["diarizer", "port", 8102],
  DIARIZER_CONTAINER: ["diarizer", "container", "own-diarizer"],
  KOKORO_HOST: ["kokoro", "host", "10.77.0.23"],
  KOKORO_PORT: ["kokoro", "port", 8103],
  KOKORO_CONTAINER: ["kokoro", "container", "own-kokoro"],
  EMBEDDINGS_HOST: ["embeddings", "host", "10.77.0.24"],
  EMBEDDINGS_PORT: ["embeddings", "port", 8104],
  EMBEDDINGS_CONTAINER: ["embeddings", "container", "own-embeddings"],
  RERANKER_HOST: ["reranker", "host", "10.77.0.25"],
  RERANKER_PORT: ["reranker", "port", 8105],
  RERANKER_CONTAINER: ["reranker", "container", "own-reranker"],
  QDRANT_HOST: ["qdrant", "host", "10.77.0.26"],
  QDRANT_PORT: ["qdrant", "port", 8106],
  QDRANT_CONTAINER: ["qdrant", "container", "own-qdrant"],
  MATRIX_BRIDGE_HOST: ["matrix-bridge", "host", "10.77.0.27"],
  MATRIX_BRIDGE_CONTAINER: ["matrix-bridge", "container", "own-bridge"],
} as const;
const BOT = {
  MATRIX_BRIDGE_USER: ["user", "carol"],
  MATRIX_BRIDGE_DIR: ["directory", "/srv/bridge"],
  MATRIX_BRIDGE_BRANCH: ["branch", "stable"],
} as const;
const LISTS = {
  ALLOWED_HOSTS: ["allowed_hosts", "spark.example.com"],
  CORS_ORIGINS: ["cors_origins", "https://app.example.com"],
  TRUSTED_PROXIES: ["trusted_proxies", "10.77.0.31"],
} as const;

const settings = (table: Readonly<Record<string, readonly unknown[]>>) =>
  Object.fromEntries(Object.entries(table).map(([name, row]) => [name, String(row.at(-1))]));

describe("names of app_settings.json", () => {
  test("each is known, and its value is where it is read", async () => {
    const said = { ...settings(NODES), ...settings(SLOT), ...settings(SERVICES), ...settings(BOT), ...settings(LISTS) };
    const started = await start(earlier({ "app_settings.json": JSON.stringify(said) }));
    const { nodes, slots, settings: own } = topologyOf(started);
    const services = servicesOf(started);
    const read = (of: object | undefined, key: string) => (of as Record<string, unknown> | undefined)?.[key];

    expect(items(started.report)).toEqual([]);
    expect(items(started.report, "taken").sort()).toEqual(
      Object.keys(said)
        .map((name) => `app_settings.json ${name}`)
        .sort(),
    );
    for (const [name, [key, value]] of Object.entries(NODES))
      expect([name, read(nodes[name.startsWith("SPARK1") ? 0 : 1], key)]).toEqual([name, value]);
    for (const [name, [key, value]] of Object.entries(SLOT)) expect([name, read(slots[0], key)]).toEqual([name, value]);
    for (const [name, [service, key, value]] of Object.entries(SERVICES))
      expect([name, read(services[service], key)]).toEqual([name, value]);
    for (const [name, [key, value]] of Object.entries(BOT))
      expect([name, read(services["matrix-bridge"]?.bot ?? undefined, key)]).toEqual([name, value]);
    for (const [name, [key, value]] of Object.entries(LISTS)) expect([name, read(own, key)]).toEqual([name, [value]]);
  });
});
