/** The parts of the StartOS package, run against effects that remember what they were asked. */
import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readHosts } from "../../lib/config/hosts-file.ts";
import { loadTopology } from "../../lib/topology/load-topology.ts";
import { VERSION } from "../../routes/_version.ts";
import { until } from "../support/until.ts";
import { type FakeEffects, fakeEffects, installStartos, type Loaded, type StartosPackage } from "./_startos.ts";

setDefaultTimeout(180_000);

const INSTALL_LIMIT_MS = 300_000;

/** What a form sends that was left as it is. */
const BLANK = {
  spark1: { host: null, user: null },
  spark2: { host: null, user: null },
  vllmPort: null,
  vllmContainer: null,
  hiddenServices: [],
  matrixUser: null,
  webhookUrl: null,
  webhookSecret: null,
};

let startos: StartosPackage;
let fake: FakeEffects;
beforeAll(async () => {
  startos = await installStartos();
}, INSTALL_LIMIT_MS);
afterAll(() => startos?.close());
beforeEach(() => {
  rmSync(startos.volume, { recursive: true, force: true });
  mkdirSync(startos.volume);
  fake = fakeEffects();
});

const volumeFile = (name: string) => join(startos.volume, name);
const read = (name: string) => readFileSync(volumeFile(name), "utf8");
const write = (name: string, text: string) => writeFileSync(volumeFile(name), text);
const asked = (name: string) => fake.asked.filter((one) => one.name === name).map(({ options }) => options);

async function action(id: string): Promise<Loaded> {
  const { actions } = await startos.load("startos/actions/index.ts");
  return actions.get(id);
}

/** As StartOS does it: the form is asked for first. */
async function run(id: string, input: Loaded = {}): Promise<Loaded> {
  const it = await action(id);
  await it.exportMetadata({ effects: fake.effects });
  await it.getInput({ effects: fake.effects, prefill: null });
  return it.run({ effects: fake.effects, input });
}

const topology = () => {
  const text = (name: string) => (existsSync(volumeFile(name)) ? { name, text: read(name) } : undefined);
  return loadTopology({
    files: { topology: text("topology.yaml"), services: text("services-overrides.yaml") },
    env: {},
  });
};

describe("Configure Sparks", () => {
  const WHOLE = {
    ...BLANK,
    spark1: { host: "10.77.0.11", user: "alice" },
    spark2: { host: "10.77.0.12", user: "alice" },
    vllmPort: 8899,
    vllmContainer: "vllm_big",
    hiddenServices: ["kokoro"],
    matrixUser: "bob",
    webhookUrl: "http://10.77.0.30/hook",
    webhookSecret: "s3cret",
  };

  test("writes what the controller reads, and shows it again without the secret", async () => {
    await run("configure-sparks", WHOLE);

    expect(topology().problems).toEqual([]);
    expect(topology().nodes).toMatchObject([
      { name: "spark-1", host: "10.77.0.11", user: "alice", status: "configured" },
      { name: "spark-2", host: "10.77.0.12", user: "alice", status: "configured" },
    ]);
    expect(topology().slots).toMatchObject([
      { name: "main", port: 8899, container: "vllm_big", nodes: ["spark-1", "spark-2"] },
    ]);
    const services = Object.fromEntries(topology().services.map((service) => [service.name, service]));
    expect([services.kokoro?.disabled, services.parakeet?.disabled]).toEqual([true, false]);
    expect(services["matrix-bridge"]).toMatchObject({ disabled: false, bot: { user: "bob" } });
    expect(JSON.parse(read("startos-webhook.json"))).toEqual({ url: "http://10.77.0.30/hook", secret: "s3cret" });

    const it = await action("configure-sparks");
    const { value } = await it.getInput({ effects: fake.effects, prefill: null });
    expect(value).toMatchObject({ ...WHOLE, webhookSecret: null });
    expect(JSON.stringify(value)).not.toContain("s3cret");
  });

  test("blank means the default: nothing is made up, what was set is taken back, the rest of the file stays", async () => {
    write(
      "topology.yaml",
      "# mine\nnodes:\n  - { name: spark-1, host: 10.77.0.1, user: carol, launch_dir: ~/elsewhere } # head\nsettings: { stall_seconds: 900 }\n",
    );
    await run("configure-sparks", WHOLE);
    await run("configure-sparks", {
      ...WHOLE,
      ...{ vllmPort: null, vllmContainer: "  ", hiddenServices: [], matrixUser: "" },
    });

    expect(topology().problems).toEqual([]);
    expect(topology().slots).toMatchObject([{ port: 8888, container: "vllm_node" }]);
    expect(topology().nodes[0]).toMatchObject({ host: "10.77.0.11", launch_dir: "~/elsewhere" });
    expect(topology().settings.stall_seconds).toBe(900);
    expect(read("topology.yaml")).toStartWith("# mine\n");
    expect(topology().services.find(({ name }) => name === "kokoro")?.disabled).toBe(false);
    expect(topology().services.find(({ name }) => name === "matrix-bridge")?.disabled).toBe(true);
  });

  test("a blank form writes no Spark, and a blank secret keeps the one that there is", async () => {
    await run("configure-sparks", BLANK);
    expect(topology().nodes).toEqual([]);
    expect(topology().problems).toEqual([]);

    await run("configure-sparks", WHOLE);
    await run("configure-sparks", { ...WHOLE, webhookSecret: "" });
    expect(JSON.parse(read("startos-webhook.json")).secret).toBe("s3cret");
    await run("configure-sparks", { ...WHOLE, webhookUrl: null });
    expect(JSON.parse(read("startos-webhook.json"))).toEqual({ url: null, secret: null });
  });

  const HOSTILE: [string, Loaded][] = [
    ["an option as host", { spark1: { host: "-oProxyCommand=x", user: "alice" } }],
    ["a command as host", { spark1: { host: "10.0.0.1; reboot", user: "alice" } }],
    ["a host with a port", { spark1: { host: "10.77.0.11:22", user: "alice" } }],
    ["half an address", { spark1: { host: "10.77.11", user: "alice" } }],
    ["a command as user", { spark1: { host: "10.77.0.11", user: "a; reboot" } }],
    ["a user with a line break", { spark2: { host: "10.77.0.12", user: "a\nb" } }],
    ["a user that is a substitution", { spark2: { host: "10.77.0.12", user: "$(id)" } }],
    ["a port out of range", { vllmPort: 99_999 }],
    ["a port that is text", { vllmPort: "8888; id" }],
    ["half a port", { vllmPort: 80.5 }],
    ["a container that is an option", { vllmContainer: "--privileged" }],
    ["a container with a space", { vllmContainer: "a b" }],
    ["a bridge's user that is a path", { matrixUser: "../bob" }],
    ["a webhook of another kind", { webhookUrl: "file:///etc/passwd" }],
    ["a webhook with a password", { webhookUrl: "http://a:hunter2@10.77.0.30/" }],
    ["a secret that is no base64", { webhookUrl: "http://10.77.0.30/", webhookSecret: "whsec_hunter2 !" }],
    ["a host that is no text", { spark1: { host: { a: 1 }, user: "alice" } }],
  ];
  for (const [name, input] of HOSTILE)
    test(`refused although the form let it pass: ${name}`, async () => {
      const error = await run("configure-sparks", { ...BLANK, ...input }).then(
        () => null,
        (thrown: Error) => thrown,
      );

      expect(error?.message).toMatch(/cannot be used|not text|Invalid input/);
      expect(error?.message).not.toMatch(/hunter2|reboot/);
      expect(readdirSync(startos.volume)).toEqual([]);
    });

  test("a file that is not YAML is left alone, and said so", async () => {
    write("topology.yaml", "nodes:\n\t- {");

    expect(run("configure-sparks", WHOLE)).rejects.toThrow("topology.yaml cannot be changed");
    expect(read("topology.yaml")).toBe("nodes:\n\t- {");
    expect(existsSync(volumeFile("services-overrides.yaml"))).toBe(false);
  });
});

describe("the other actions", () => {
  /** A stand-in for the controller on its port; the scripts speak to that one only. */
  async function withController(answer: (request: Request) => Response, body: () => Promise<void>): Promise<void> {
    const real = globalThis.fetch;
    globalThis.fetch = (async (input: string | URL | Request, init?: RequestInit) => {
      const request = new Request(input, init);
      expect(request.url).toStartWith("http://127.0.0.1:9999/");
      return answer(request);
    }) as typeof fetch;
    try {
      await body();
    } finally {
      globalThis.fetch = real;
    }
  }

  test("Show SSH public key: the line, and nothing but a public key whatever the file holds", async () => {
    expect(run("show-ssh-key")).rejects.toThrow("no key yet");
    write("id_ed25519.pub", "ssh-ed25519 AAAAC3Nza spark-control\n");
    expect((await run("show-ssh-key")).result.value).toBe("ssh-ed25519 AAAAC3Nza spark-control");
    write("id_ed25519.pub", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n");
    expect(run("show-ssh-key")).rejects.toThrow("no key yet");
  });

  test("Release the reservation: forced, with a reason; nothing is done when nothing is held or nobody answers", async () => {
    const requests: string[] = [];
    let held = true;
    const controller = (request: Request) => {
      requests.push(`${request.method} ${new URL(request.url).pathname}${new URL(request.url).search}`);
      return Response.json(request.method === "GET" ? { held, holder: "nightly" } : { held: false });
    };
    await withController(controller, async () => {
      expect((await run("release-reservation")).message).toBe("It was held by nightly.");
      held = false;
      expect((await run("release-reservation")).title).toBe("Nothing is reserved");
    });
    expect(requests).toEqual([
      "GET /api/swap/lock",
      "DELETE /api/swap/lock?force=true&reason=StartOS",
      "GET /api/swap/lock",
    ]);
    await withController(
      () => new Response(null, { status: 500 }),
      async () => {
        expect(run("release-reservation")).rejects.toThrow("does not answer");
      },
    );
  });

  test("Reset pinned host keys: only that file, only while stopped", async () => {
    write("known_hosts.json", "[]");
    write("topology.yaml", "nodes: []\n");
    await run("reset-host-keys");

    expect(readdirSync(startos.volume)).toEqual(["topology.yaml"]);
    expect(await (await action("reset-host-keys")).exportMetadata({ effects: fake.effects })).toMatchObject({
      allowedStatuses: "only-stopped",
      warning: expect.stringContaining("impostor"),
    });
    await run("reset-host-keys");
  });

  test("Download diagnostics: what the controller says, without what looks like a secret, also when a part is missing", async () => {
    const controller = ({ url }: Request) =>
      url.endsWith("/api/status")
        ? Response.json({ nodes: [{ name: "spark-1", token: "hunter2" }], api_key: "hunter2", note: "whsec_hunter2" })
        : url.endsWith("/api/upgrade")
          ? new Response(null, { status: 404 })
          : Response.json({ status: "ok" });
    await withController(controller, async () => {
      const text = (await run("download-diagnostics")).result.value as string;
      expect(text).not.toContain("hunter2");
      expect(JSON.parse(text)).toMatchObject({
        "/health": { status: "ok" },
        "/api/status": { nodes: [{ name: "spark-1" }] },
        "/api/upgrade": "status 404",
      });
    });
  });
});

describe("init", () => {
  const host = (...names: string[]) => ({
    bindings: {
      9999: {
        enabled: true,
        options: {},
        net: { assignedPort: 9999, assignedSslPort: null, publicEnabled: [], privateDisabled: [] },
        addresses: {
          enabled: [],
          disabled: [],
          available: names.map((hostname) => ({
            ssl: false,
            public: false,
            hostname,
            port: 9999,
            metadata: metadataOf(hostname),
          })),
        },
        interfaces: {
          ui: {
            id: "ui",
            name: "Dashboard",
            description: "",
            masked: false,
            type: "ui",
            addressInfo: {
              username: null,
              hostId: "ui",
              internalPort: 9999,
              scheme: "http",
              sslScheme: "https",
              suffix: "",
            },
          },
        },
      },
    },
    bindingRanges: {},
    publicDomains: {},
    privateDomains: {},
  });
  /** A name by mDNS counts where its gateway has an address. */
  const metadataOf = (hostname: string) => {
    if (/^[\d.]+$/.test(hostname)) return { kind: "ipv4", gateway: "lan" };
    return { kind: hostname.endsWith(".local") ? "mdns" : "private-domain", gateways: ["lan"] };
  };
  /** Until the names were written twice: at once, and by what follows their changes, which goes on after init. */
  const init = async (kind: string | null) => {
    const { init: run } = await startos.load("startos/init/index.ts");
    const { hostsJson } = await startos.load("startos/fileModels/hosts.json.ts");
    const writeHosts = Object.getPrototypeOf(hostsJson).write as (...args: unknown[]) => Promise<null>;
    let written = 0;
    hostsJson.write = async (...args: unknown[]) => {
      await writeHosts.apply(hostsJson, args);
      written += 1;
    };
    await run({ effects: fake.effects, kind });
    await until("the names are followed", () => written >= 2);
  };

  test("exports the interface and all actions, and asks a new owner for the Sparks", async () => {
    await init("install");

    expect(asked("bind")).toMatchObject([{ id: "ui", internalPort: 9999 }]);
    expect(asked("exportServiceInterface")).toMatchObject([{ id: "ui", type: "ui", masked: false }]);
    expect(asked("action.export").map(({ id }) => id)).toEqual([
      "configure-sparks",
      "show-ssh-key",
      "release-reservation",
      "reset-host-keys",
      "download-diagnostics",
    ]);
    expect(asked("action.createTask")).toMatchObject([{ actionId: "configure-sparks", severity: "important" }]);
    expect(fake.dataVersion).toBe(VERSION);
  });

  test("does not ask where the Sparks are known, and not at an update or an ordinary start", async () => {
    write("topology.yaml", "nodes: []\n");
    await init("install");
    rmSync(volumeFile("topology.yaml"));
    for (const kind of ["update", null]) await init(kind);

    expect(asked("action.createTask")).toEqual([]);
  });

  test("hosts.json holds the names that StartOS gives, as the controller reads them, and follows their changes", async () => {
    fake.host = host("tile.example.com", "Spark-Box.local", "10.77.0.5");
    await init(null);
    expect(JSON.parse(read("hosts.json"))).toEqual(["10.77.0.5", "spark-box.local", "tile.example.com"]);
    expect(readHosts({ name: "hosts.json", text: read("hosts.json") }).problems).toEqual([]);

    fake.changeHost(host("other.example.com"));
    await until("the change is written", () => read("hosts.json").includes("other.example.com"));
    expect(JSON.parse(read("hosts.json"))).toEqual(["other.example.com"]);
    fake.changeHost(null);
    await until("no name is left", () => !read("hosts.json").includes("example"));
  });

  test("data of every earlier version are taken; a downgrade is not possible", async () => {
    const { versionGraph } = await startos.load("startos/versions/index.ts");
    for (const from of ["0.1.0:0", "0.27.0:0", "0.27.9:3"]) {
      fake.dataVersion = from;
      await init("update");
      expect([from, fake.dataVersion]).toEqual([from, VERSION]);
    }
    const { ExtendedVersion } = await startos.load("node_modules/@start9labs/start-sdk/lib/index.js");
    expect(versionGraph.canMigrateTo().toString()).not.toContain("<");
    expect(ExtendedVersion.parse("0.27.9:3").satisfies(versionGraph.canMigrateFrom())).toBe(true);
    expect(ExtendedVersion.parse("0.27.9:3").satisfies(versionGraph.canMigrateTo())).toBe(false);
  });
});

describe("the daemon", () => {
  const entries = async (): Promise<Loaded[]> => {
    const { main } = await startos.load("startos/main.ts");
    return (await main({ effects: fake.effects })).entries;
  };

  test("runs without root behind a step that gives it the volume, with what the image sets", async () => {
    write("startos-webhook.json", JSON.stringify({ url: "http://10.77.0.30/hook", secret: "s3cret" }));
    const [own, controller] = await entries();

    expect([own.kind, own.id, own.exec.user]).toEqual(["oneshot", "own-data", "0"]);
    expect([controller.kind, controller.requires, controller.exec.user]).toEqual(["daemon", ["own-data"], "65532"]);
    expect(controller.exec.command).toEqual(["/usr/local/bin/bun", "/app/routes/_server.ts"]);
    expect(controller.exec.env).toMatchObject({
      PORT: "9999",
      DATA_DIR: "/data",
      BUN_CONFIG_MAX_HTTP_REQUESTS: "16384",
      WEBHOOK_URL: "http://10.77.0.30/hook",
      WEBHOOK_SECRET: "s3cret",
    });
    const dockerfile = readFileSync(join(import.meta.dir, "../../Dockerfile"), "utf8");
    expect(dockerfile).toContain(`ENTRYPOINT ${JSON.stringify(controller.exec.command).replace(",", ", ")}`);
    expect(dockerfile).toContain("USER 65532:65532");
  });

  test("a damaged file of settings starts it with none", async () => {
    write("startos-webhook.json", '{"url": 5}');

    expect((await entries())[1].exec.env).toMatchObject({ WEBHOOK_URL: "", WEBHOOK_SECRET: "" });
  });

  test.each([
    [200, { status: "ok" }, "success"],
    [500, { status: "ok" }, "failure"],
    [200, { status: "no" }, "failure"],
    [421, "<html>", "failure"],
    [0, null, "failure"],
  ])("health: %d %j is %s", async (status, body, expected) => {
    const real = globalThis.fetch;
    globalThis.fetch = (async () => {
      if (status === 0) throw new TypeError("refused");
      return new Response(typeof body === "string" ? body : JSON.stringify(body), { status });
    }) as unknown as typeof fetch;
    try {
      expect((await (await entries())[1].ready.fn()).result).toBe(expected);
    } finally {
      globalThis.fetch = real;
    }
  });
});

describe("backups", () => {
  test("the live databases stay out, and after a restore the copies take their place", async () => {
    const { LEFT_OUT, useSnapshots } = await startos.load("startos/backups.ts");
    expect(LEFT_OUT).toEqual(expect.arrayContaining(["/facts.db", "/facts.db-wal", "/telemetry.db-shm"]));
    mkdirSync(volumeFile("backup"));
    for (const [name, text] of [
      ["backup/facts.db", "copy"],
      ["facts.db", "live"],
      ["facts.db-wal", "journal"],
      ["id_ed25519", "key"],
    ] as const)
      write(name, text);
    await useSnapshots();

    expect(readdirSync(startos.volume).sort()).toEqual(["facts.db", "id_ed25519"]);
    expect(read("facts.db")).toBe("copy");
    await useSnapshots();
    expect(read("facts.db")).toBe("copy");
  });
});
