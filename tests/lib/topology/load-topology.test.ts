import { describe, expect, test } from "bun:test";
import type { Environment } from "../../../lib/config/fields.ts";
import { loadTopology } from "../../../lib/topology/load-topology.ts";
import { isConfigured, type Service, type Topology, usableNode } from "../../../lib/topology/topology.ts";

const TWO_SPARKS = {
  SPARK1_HOST: "10.77.0.11",
  SPARK1_USER: "alice",
  SPARK2_HOST: "10.77.0.12",
  SPARK2_USER: "bob",
};

function load(env: Environment, files: { topology?: string; services?: string } = {}): Topology {
  const file = (name: string, text: string | undefined) => (text === undefined ? undefined : { name, text });
  const topology = file("topology.yaml", files.topology);
  return loadTopology({ files: { topology, services: file("services-overrides.yaml", files.services) }, env });
}

const service = (topology: Topology, name: string): Service | undefined =>
  topology.services.find((candidate) => candidate.name === name);

describe("without any configuration", () => {
  test("there are no nodes and no slots, and nothing is a problem", () => {
    const topology = load({});

    expect(topology.nodes).toEqual([]);
    expect(topology.slots).toEqual([]);
    expect(topology.problems).toEqual([]);
    expect(isConfigured(topology)).toBe(false);
  });

  test("services are listed, but have no place", () => {
    const places = load({}).services.map(({ node, host }) => ({ node, host }));

    expect(places).toEqual(Array(7).fill({ node: null, host: null }));
  });

  test("blank variables count as unset", () => {
    const blank = { SPARK1_HOST: "", SPARK1_USER: "  ", VLLM_PORT: "", DISABLED_SERVICES: " ", ALLOWED_HOSTS: "" };

    expect(load(blank)).toEqual(load({}));
  });
});

describe("nodes from the environment", () => {
  test("are spark-1, the head, and spark-2", () => {
    const { nodes, problems } = load(TWO_SPARKS);

    const rest = { ssh_port: 22, address: null, launch_dir: "~/spark-vllm-docker", eth_if: null, ib_if: null };
    expect(nodes).toEqual([
      { status: "configured", name: "spark-1", host: "10.77.0.11", user: "alice", ...rest },
      { status: "configured", name: "spark-2", host: "10.77.0.12", user: "bob", ...rest },
    ]);
    expect(problems).toEqual([]);
  });

  test("a malformed SPARK1_HOST shows as misconfigured, and nothing appears in its place", () => {
    const topology = load({ ...TWO_SPARKS, SPARK1_HOST: "-oProxyCommand=reboot" });

    const reason = 'environment, SPARK1_HOST: The value begins with "-", which a program would read as an option.';
    expect(topology.nodes[0]).toEqual({ status: "misconfigured", name: "spark-1", reason });
    expect(topology.nodes.length).toBe(2);
    expect(usableNode(topology, "spark-1")).toBeUndefined();
    expect(topology.slots).toEqual([]);
    expect(topology.services.map(({ node }) => node)).toEqual(Array(7).fill("spark-2"));
    expect(topology.problems).toEqual([
      {
        source: "environment",
        line: null,
        path: "SPARK1_HOST",
        message: 'The value begins with "-", which a program would read as an option.',
        instead: "The node counts as misconfigured and is never contacted.",
      },
    ]);
  });

  test("a malformed SPARK2_HOST leaves the first Spark usable, and services do not move there", () => {
    const topology = load({ ...TWO_SPARKS, SPARK2_HOST: "bob@10.77.0.12" });

    expect(topology.nodes.map((node) => node.status)).toEqual(["configured", "misconfigured"]);
    expect(topology.slots.map((slot) => slot.nodes)).toEqual([["spark-1"]]);
    expect(service(topology, "parakeet")?.node).toBe("spark-2");
  });

  test.each([
    [{ SPARK1_HOST: "10.77.0.11" }, "SPARK1_USER", "The node has no user."],
    [{ SPARK1_USER: "alice" }, "SPARK1_HOST", "The node has no host."],
    [{ SPARK1_HOST: "10.77.0.11", SPARK1_USER: "alice\nroot" }, "SPARK1_USER", "The value contains a line break."],
    [
      { SPARK1_HOST: "10.77.0.11", SPARK1_USER: "alice", SPARK1_SSH_PORT: "99999" },
      "SPARK1_SSH_PORT",
      "The value must be a whole number from 1 to 65535.",
    ],
    [
      { SPARK1_HOST: "10.77.0.11", SPARK1_USER: "alice", SPARK1_ADDRESS: "fd00::1" },
      "SPARK1_ADDRESS",
      "The value is not an IPv4 address.",
    ],
  ])("%j is misconfigured because of %s", (env, path, message) => {
    const topology = load(env);

    expect(topology.nodes).toEqual([
      { status: "misconfigured", name: "spark-1", reason: `environment, ${path}: ${message}` },
    ]);
    expect(topology.problems.map((problem) => problem.path)).toEqual([path]);
  });

  test("win over the file, field by field", () => {
    const text = "nodes:\n  - name: spark-1\n    host: 10.77.0.99\n    user: alice\n    launch_dir: /opt/launch\n";
    const { nodes } = load({ SPARK1_HOST: "10.77.0.11" }, { topology: text });

    expect(nodes[0]).toMatchObject({ host: "10.77.0.11", user: "alice", launch_dir: "/opt/launch" });
  });

  test("stand first, whatever the file calls its own", () => {
    const text = "nodes:\n  - name: attic\n    host: 10.77.0.13\n    user: alice\n";
    const { nodes } = load(TWO_SPARKS, { topology: text });

    expect(nodes.map((node) => node.name)).toEqual(["spark-1", "spark-2", "attic"]);
  });
});

describe("slots", () => {
  test("the default is main, over all nodes, head first", () => {
    expect(load(TWO_SPARKS).slots).toEqual([
      { name: "main", nodes: ["spark-1", "spark-2"], port: 8888, container: "vllm_node", image: "vllm-node" },
    ]);
  });

  test("a malformed port or container falls back and says so", () => {
    const { slots, problems } = load({
      ...TWO_SPARKS,
      VLLM_PORT: "99999",
      VLLM_CONTAINER: "-x",
      VLLM_IMAGE: "vllm:26",
    });

    expect(slots).toMatchObject([{ port: 8888, container: "vllm_node", image: "vllm:26" }]);
    expect(problems.map(({ path, instead }) => [path, instead])).toEqual([
      ["VLLM_PORT", "Uses 8888 instead."],
      ["VLLM_CONTAINER", "Uses vllm_node instead."],
    ]);
  });

  test("VLLM_PORT decides for main and is the default of the others", () => {
    const text = `slots:
  - { name: main, nodes: [spark-1], port: 8000 }
  - { name: second, nodes: [spark-2], port: 8001 }
  - { name: third, nodes: [spark-2] }
`;
    const { slots } = load({ ...TWO_SPARKS, VLLM_PORT: "9000" }, { topology: text });

    expect(slots.map((slot) => [slot.name, slot.port])).toEqual([
      ["main", 9000],
      ["second", 8001],
      ["third", 9000],
    ]);
  });

  test("main that names no nodes is over all that there are; another slot has to name its own", () => {
    const topology = "slots:\n  - { name: main, port: 8000 }\n  - { name: second, port: 8001 }\n";

    const both = load(TWO_SPARKS, { topology });
    expect(both.slots).toMatchObject([{ name: "main", port: 8000, nodes: ["spark-1", "spark-2"] }]);
    expect(both.problems.map(({ path, message }) => [path, message])).toEqual([
      ["slots.1", "The slot names no nodes."],
    ]);
    const { SPARK1_HOST, SPARK1_USER } = TWO_SPARKS;
    const main = { topology: "slots:\n  - { port: 8000 }\n" };
    expect(load({ SPARK1_HOST, SPARK1_USER }, main).slots).toMatchObject([{ port: 8000, nodes: ["spark-1"] }]);
    // As without any slot in the file: no Spark, or a head that cannot be used, and there is none.
    expect([load({}, main).slots, load({}, main).problems]).toEqual([[], []]);
    expect(load({ ...TWO_SPARKS, SPARK1_HOST: "-x" }, main).slots).toEqual([]);
  });

  test("a malformed VLLM_PORT does not hide what the file says", () => {
    const text = "slots:\n  - { name: main, nodes: [spark-1], port: 8000 }\n";
    const { slots } = load({ ...TWO_SPARKS, VLLM_PORT: "soon" }, { topology: text });

    expect(slots).toMatchObject([{ name: "main", port: 8000 }]);
  });
});

describe("services", () => {
  test("stand on the second Spark, on the only one where there is just one", () => {
    const { SPARK1_HOST, SPARK1_USER } = TWO_SPARKS;

    expect(load(TWO_SPARKS).services.map(({ node }) => node)).toEqual(Array(7).fill("spark-2"));
    expect(load({ SPARK1_HOST, SPARK1_USER }).services.map(({ node }) => node)).toEqual(Array(7).fill("spark-1"));
  });

  test("a host that is a node's address means that node", () => {
    const topology = load({ ...TWO_SPARKS, PARAKEET_HOST: "10.77.0.11", QDRANT_HOST: "10.77.0.20" });

    expect(service(topology, "parakeet")).toMatchObject({ node: "spark-1", host: null });
    expect(service(topology, "qdrant")).toMatchObject({ node: null, host: "10.77.0.20" });
  });

  test("the environment wins over the file, which wins over the defaults", () => {
    const services = "services:\n  parakeet: { port: 8010, container: asr }\n";
    const topology = load({ ...TWO_SPARKS, PARAKEET_PORT: "8020" }, { services });

    expect(service(topology, "parakeet")).toMatchObject({ port: 8020, container: "asr", node: "spark-2" });
    expect(topology.problems).toEqual([]);
  });

  test("a malformed port falls back and says so", () => {
    const topology = load({ ...TWO_SPARKS, QDRANT_PORT: "http" });

    expect(service(topology, "qdrant")?.port).toBe(6333);
    expect(topology.problems.map(({ path, instead }) => [path, instead])).toEqual([
      ["QDRANT_PORT", "Uses 6333 instead."],
    ]);
  });

  test("DISABLED_SERVICES hides what it names and reports what it does not know", () => {
    const topology = load({ ...TWO_SPARKS, DISABLED_SERVICES: "kokoro, Qdrant, nope" });

    const hidden = topology.services.filter(({ disabled }) => disabled).map(({ name }) => name);
    expect(hidden).toEqual(["kokoro", "qdrant", "matrix-bridge"]);
    expect(topology.problems.map(({ path }) => path)).toEqual(["DISABLED_SERVICES"]);
  });

  test("of a slot's name are skipped and reported, the others are used", () => {
    const topology = load(TWO_SPARKS, {
      topology: "slots:\n  - { name: main }\n  - { name: kokoro, nodes: [spark-2], port: 8889, container: vllm_b }\n",
      services: "services:\n  main: { kind: vllm, node: spark-2, port: 9001 }\n  beside: { kind: vllm, port: 9002 }\n",
    });

    expect(topology.slots.map(({ name }) => name)).toEqual(["main", "kokoro"]);
    expect([service(topology, "main"), service(topology, "kokoro")]).toEqual([undefined, undefined]);
    expect(service(topology, "beside")).toMatchObject({ kind: "vllm", port: 9002 });
    expect(topology.problems).toMatchObject([
      { path: "services.kokoro", message: 'A slot is named "kokoro", too.', instead: "The service is skipped." },
      { source: "services-overrides.yaml", line: 2, path: "services.main", message: 'A slot is named "main", too.' },
    ]);
  });

  test("the bot is hidden until it has a user", () => {
    expect(service(load(TWO_SPARKS), "matrix-bridge")).toEqual({
      name: "matrix-bridge",
      kind: "bot",
      node: "spark-2",
      host: null,
      port: null,
      container: "matrix-bridge",
      disabled: true,
      auto_restart: true,
    });
    expect(service(load({ ...TWO_SPARKS, MATRIX_BRIDGE_USER: "bot" }), "matrix-bridge")).toMatchObject({
      disabled: false,
      bot: { user: "bot", directory: "~/matrix-bridge", branch: "main" },
    });
  });
});

test("lists of the environment and of the file are joined, names as the Host header is compared", () => {
  const topology = "settings:\n  allowed_hosts: [Spark.Example.org., other.example.org]\n";
  const env = {
    ALLOWED_HOSTS: "third.example.org",
    CORS_ORIGINS: "http://app.local:3000",
    TRUSTED_PROXIES: "10.77.0.0/24",
  };

  const { settings, problems } = load(env, { topology });

  expect(problems).toEqual([]);
  expect(settings).toMatchObject({
    allowed_hosts: ["spark.example.org", "other.example.org", "third.example.org"],
    cors_origins: ["http://app.local:3000"],
    trusted_proxies: ["10.77.0.0/24"],
  });
});
