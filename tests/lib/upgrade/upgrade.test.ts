/** A start on the data of the earlier version: everything valid is there afterwards, everything else is in the report. */
import { describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Earlier, hostKeyLine, WHOLE } from "./_earlier.ts";
import { earlier, endEach, modelsOf, items as not, servicesOf, start, topologyOf } from "./_start.ts";

endEach();
const read = (from: Earlier, name: string) => readFileSync(join(from.dataDir, name), "utf8");

describe("a folder as it should be", () => {
  test("everything is there afterwards, with the same key, and nothing is left to report", async () => {
    const from = earlier(WHOLE);
    const started = await start(from);

    expect(topologyOf(started).nodes).toMatchObject([
      { name: "spark-1", host: "10.77.0.11", user: "alice", status: "configured" },
      { name: "spark-2", host: "10.77.0.12", user: "alice", status: "configured" },
    ]);
    expect(topologyOf(started).slots).toMatchObject([
      { name: "main", port: 8899, container: "vllm_big", nodes: ["spark-1", "spark-2"] },
    ]);
    const services = Object.fromEntries(topologyOf(started).services.map((service) => [service.name, service]));
    expect(services.reranker).toMatchObject({ disabled: true });
    expect(services.kokoro).toMatchObject({ disabled: true });
    expect(services.parakeet).toMatchObject({ port: 8010, disabled: false });
    expect(services.qdrant).toMatchObject({ host: "10.77.0.20" });
    expect(services["matrix-bridge"]).toMatchObject({ bot: { user: "bob" } });
    expect(services.wiki).toMatchObject({ kind: "http", port: 8090 });
    expect(topologyOf(started).settings.allowed_hosts).toEqual(["spark.example.com"]);
    expect(started.plane.config.current.problems).toEqual([]);
    expect(started.plane.config.current.catalog.models.find(({ key }) => key === "tuned")).toMatchObject({
      source: { kind: "local", path: "/srv/models/tuned" },
    });
    expect(started.plane.identity.publicKeyLine.split(" ")[1]).toBe(from.publicKeyLine.split(" ")[1]);
    expect(statSync(join(from.dataDir, "id_ed25519")).mode & 0o777).toBe(0o600);
    expect(started.plane.hostKeys.list()).toMatchObject([
      { host: "10.77.0.11", port: 22 },
      { host: "10.77.0.12", port: 2222 },
    ]);
    expect(started.plane.webhooks.list()).toMatchObject([
      { url: "http://10.77.0.30:8080/hook", source: "settings", has_secret: true },
    ]);
    expect(not(started.report)).toEqual([]);
    expect(started.report?.items.length).toBeGreaterThan(15);
  });

  test("originals are kept byte for byte, and no secret is in the report or the log", async () => {
    const from = earlier(WHOLE);
    const { logged, report } = await start(from);

    expect(read(from, "app_settings.json")).toBe(WHOLE["app_settings.json"]!);
    expect(read(from, "models-overrides.yaml")).toBe(WHOLE["models-overrides.yaml"]!);
    expect(report?.originals).toBe("before-upgrade");
    expect(read(from, "before-upgrade/services-overrides.yaml")).toBe(WHOLE["services-overrides.yaml"]!);
    expect(readdirSync(join(from.dataDir, "before-upgrade"))).toEqual(["services-overrides.yaml"]);
    expect(logged).toContain("taken over");
    for (const text of [logged, JSON.stringify(report), read(from, "upgrade-report.json")]) {
      expect(text).not.toContain("not-for-the-log");
      expect(text).not.toContain("PRIVATE KEY");
    }
  });

  test("once: what is changed afterwards stays, also when the earlier files are still there", async () => {
    const from = earlier(WHOLE);
    const first = await start(from);
    const [webhook] = first.plane.webhooks.list();
    first.plane.webhooks.remove(webhook!.id);
    await first.close();

    const second = await start(from);
    expect(second.plane.webhooks.list()).toEqual([]);
    expect(second.report).toEqual(first.report);
    expect(second.logged).not.toContain("taken over");
  });

  test("what is newer stays: a topology that was written before the first start", async () => {
    const from = earlier({
      ...WHOLE,
      "topology.yaml": "# by Set-up\nnodes:\n  - { name: spark-1, host: 10.77.0.99, user: carol }\n",
    });
    const started = await start(from);

    expect(topologyOf(started).nodes).toMatchObject([{ host: "10.77.0.99", user: "carol" }, { host: "10.77.0.12" }]);
    expect(not(started.report, "kept")).toContain("app_settings.json SPARK1_HOST");
    expect(read(from, "topology.yaml")).toStartWith("# by Set-up\n");
    expect(read(from, "before-upgrade/topology.yaml")).toContain("10.77.0.99");
  });
});

describe("a folder with faults", () => {
  test("blank and malformed settings: the default holds, the others are taken", async () => {
    const settings = {
      SPARK1_HOST: "10.77.0.11",
      SPARK1_USER: "alice; reboot",
      SPARK2_HOST: "-oProxyCommand=x",
      SPARK2_USER: "",
      VLLM_PORT: "",
      VLLM_CONTAINER: null,
      PARAKEET_PORT: "99999",
      QDRANT_PORT: "6 333",
      EMBEDDINGS_PORT: " 8012 ",
      DISABLED_SERVICES: "kokoro,nothing-of-ours",
      ALLOWED_HOSTS: "*.example.com,fine.example",
      PORT: 9999,
      OLD_THING: "x",
      WEBHOOK_SECRET: "not-for-the-log",
      NESTED: { a: 1 },
    };
    const started = await start(earlier({ "app_settings.json": JSON.stringify(settings) }));

    expect(topologyOf(started).nodes).toMatchObject([{ name: "spark-1", status: "misconfigured" }]);
    expect(started.plane.setup.settings().nodes[0]?.settings.host).toMatchObject({ value: "10.77.0.11", from: "file" });
    const services = Object.fromEntries(topologyOf(started).services.map((service) => [service.name, service]));
    expect([services.parakeet?.port, services.qdrant?.port, services.embeddings?.port]).toEqual([8000, 6333, 8012]);
    expect(services.kokoro?.disabled).toBe(true);
    expect(topologyOf(started).settings.allowed_hosts).toEqual(["fine.example"]);
    expect(not(started.report).sort()).toEqual(
      [
        "SPARK1_USER",
        "SPARK2_HOST",
        "PARAKEET_PORT",
        "QDRANT_PORT",
        "DISABLED_SERVICES",
        "ALLOWED_HOSTS",
        "PORT",
        "OLD_THING",
        "WEBHOOK_SECRET",
        "NESTED",
      ]
        .map((name) => `app_settings.json ${name}`)
        .sort(),
    );
    expect(not(started.report, "kept").sort()).toEqual(
      ["SPARK2_USER", "VLLM_CONTAINER", "VLLM_PORT"].map((name) => `app_settings.json ${name}`),
    );
    expect(JSON.stringify(started.report) + started.logged).not.toContain("not-for-the-log");
  });

  for (const text of ["", "{", "[]", "null", '"x"', "\u0000"])
    test(`settings that are ${JSON.stringify(text)}: reported, the rest is taken`, async () => {
      const started = await start(earlier({ ...WHOLE, "app_settings.json": text }));

      expect(not(started.report)).toEqual(["app_settings.json"]);
      expect(topologyOf(started).nodes).toEqual([]);
      expect(started.plane.config.current.catalog.models.some(({ key }) => key === "tuned")).toBe(true);
    });

  test("models: an entry with both sources, one with none, one of another shape; the good ones are taken", async () => {
    const models = `models:
  good: { repo: example/good, nodes: 2 }
  both: { repo: example/both, local_path: /srv/both }
  none: { name: Nothing }
  odd: [1, 2]
  climbs: { local_path: /srv/../etc }
  half: { repo: example/half, invented: 1 }
`;
    const started = await start(earlier({ "models-overrides.yaml": models }));

    const own = started.plane.config.current.catalog.models.filter(({ origin }) => origin === "overrides");
    expect(own.map(({ key }) => key).sort()).toEqual(["good", "half"]);
    expect(not(started.report)).toEqual(
      ["both", "none", "odd", "climbs", "half.invented"].map((key) => `models-overrides.yaml ${key}`),
    );
    const detail = (key: string) => started.report?.items.find(({ item }) => item === key)?.detail;
    expect(detail("both")).toContain("both repo and local_path");
    expect(detail("both")).toContain("Line 3");
    expect(detail("half")).toBeNull();
    expect(detail("half.invented")).toContain("ignored");
    expect(detail("good")).toBeNull();
  });

  test("models and services without the name of their section, or as a list: brought into shape, the original kept", async () => {
    const models = "good: { repo: example/good }\nother: { repo: example/other }\n";
    const services = "- { name: wiki, kind: http, host: 10.77.0.40, port: 8090 }\n- { name: parakeet, port: 8010 }\n";
    const files = { "models-overrides.yaml": models, "services-overrides.yaml": services };
    const from = earlier({ ...files, "app_settings.json": "{}" });
    const started = await start(from);

    const keys = started.plane.config.current.catalog.models.map(({ key }) => key);
    expect(keys).toEqual(expect.arrayContaining(["good", "other"]));
    const ports = topologyOf(started).services.map(({ name, port }) => [name, port]);
    expect(ports).toEqual(
      expect.arrayContaining([
        ["wiki", 8090],
        ["parakeet", 8010],
      ]),
    );
    expect(read(from, "before-upgrade/models-overrides.yaml")).toBe(models);
    expect(read(from, "before-upgrade/services-overrides.yaml")).toBe(services);
    expect(started.plane.config.current.problems).toEqual([]);
  });

  test("overrides alone may be those of somebody who prepares a new folder: a list is told, not brought into shape", async () => {
    const services = "services:\n  - name: parakeet\n";
    const from = earlier({ "services-overrides.yaml": services });
    const started = await start(from);

    expect(read(from, "services-overrides.yaml")).toBe(services);
    expect(started.plane.config.current.problems).toHaveLength(1);
  });

  test("a file that is no YAML contributes nothing and is left as it is", async () => {
    const from = earlier({ ...WHOLE, "models-overrides.yaml": "models:\n\t- {" });
    const started = await start(from);

    expect(not(started.report)).toEqual(["models-overrides.yaml"]);
    expect(read(from, "models-overrides.yaml")).toBe("models:\n\t- {");
    expect(topologyOf(started).nodes).toHaveLength(2);
  });

  test("a key that cannot be used: the controller starts with a new one, and says so", async () => {
    const from = earlier({
      ...WHOLE,
      "ssh/id_ed25519": "-----BEGIN OPENSSH PRIVATE KEY-----\nbroken\n",
      id_ed25519: "no key",
    });
    const started = await start(from);

    expect(not(started.report)).toEqual(["id_ed25519", "ssh/id_ed25519", "app_settings.json SSH_KEY_PATH"]);
    expect(read(from, "before-upgrade/id_ed25519")).toBe("no key");
    expect(started.plane.identity.publicKeyLine).toStartWith("ssh-ed25519 ");
  });

  test("a blank value of an entry counts as not there: it costs the entry nothing, and is told", async () => {
    const models = `# mine
models:
  one: { repo: x/one, local_path: "", note: ' ' }
  two: { repo: '', local_path: /srv/two, nodes: 2 }
  none: { repo: "", local_path: '' }
`;
    const services =
      "services:\n  wiki: { kind: http, host: 10.77.0.40, port: 8090, container: '' }\n  parakeet: { port: '' }\n";
    const from = earlier({
      "app_settings.json": "{}",
      "models-overrides.yaml": models,
      "services-overrides.yaml": services,
    });
    const started = await start(from);

    expect(modelsOf(started)).toEqual(["one", "two"]);
    expect(servicesOf(started)).toMatchObject({ wiki: { port: 8090 }, parakeet: { port: 8000 } });
    expect(not(started.report, "kept").sort()).toEqual([
      ...["none.local_path", "none.repo", "one.local_path", "one.note", "two.repo"].map(
        (item) => `models-overrides.yaml ${item}`,
      ),
      ...["parakeet.port", "wiki.container"].map((item) => `services-overrides.yaml ${item}`),
    ]);
    expect(not(started.report)).toEqual(["models-overrides.yaml none"]);
    expect(read(from, "before-upgrade/models-overrides.yaml")).toBe(models);
    expect(read(from, "models-overrides.yaml")).toStartWith("# mine\n");
    // Without the earlier version's settings it may be somebody who writes a file for this one: who is told, and nothing is changed.
    const fresh = earlier({ "models-overrides.yaml": models });
    await start(fresh);
    expect(read(fresh, "models-overrides.yaml")).toBe(models);
  });

  test("known hosts: hashed names of the Sparks are recognised, everything else is said with its line", async () => {
    const salt = Buffer.from("0123456789abcdefghij").toString("base64");
    const hash = createHmac("sha1", Buffer.from(salt, "base64")).update("10.77.0.11").digest("base64");
    const lines = [
      `|1|${salt}|${hash} ${hostKeyLine()}`,
      `|1|${salt}|${Buffer.alloc(20).toString("base64")} ${hostKeyLine()}`,
      `@revoked * ${hostKeyLine()}`,
      "10.77.0.12 ssh-ed25519 bm90IGEga2V5",
      `*.example.com ${hostKeyLine()}`,
    ];
    const started = await start(earlier({ ...WHOLE, "ssh/known_hosts": lines.join("\n") }));

    expect(started.plane.hostKeys.list().map(({ host, port }) => `${host}:${port}`)).toEqual(["10.77.0.11:22"]);
    const details = started.report?.items.filter(({ outcome }) => outcome === "not_taken").map(({ detail }) => detail);
    expect(details?.map((detail) => /^Line \d/.exec(detail ?? "")?.[0])).toEqual([
      "Line 2",
      "Line 3",
      "Line 4",
      "Line 5",
    ]);
  });

  test("a webhook that cannot be used is reported, without its secret", async () => {
    const settings = { WEBHOOK_URL: "ftp://10.77.0.30/x", WEBHOOK_SECRET: "not-for-the-log" };
    const started = await start(earlier({ "app_settings.json": JSON.stringify(settings) }));

    expect(started.plane.webhooks.list()).toEqual([]);
    expect(not(started.report)).toEqual(["app_settings.json WEBHOOK_URL", "app_settings.json WEBHOOK_SECRET"]);
  });
});

describe("nothing to take over", () => {
  test("a new folder, and one of this version: no report, nothing is written", async () => {
    for (const files of [{}, { "topology.yaml": "nodes: []\n", "models-overrides.yaml": "models: {}\n" }]) {
      const from = earlier(files);
      const { report } = await start(from);

      expect(report).toBeNull();
      expect(existsSync(join(from.dataDir, "upgrade-report.json"))).toBe(false);
    }
  });
});
