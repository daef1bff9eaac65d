/** What no program leaves behind on purpose: the start goes on, what is valid is there, and the rest has its reason in the report. */
import { describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { EarlierFolder } from "../../../lib/upgrade/earlier-folder.ts";
import { ItemLog, type UpgradeReport } from "../../../lib/upgrade/report.ts";
import { takeWebhook } from "../../../lib/upgrade/take-webhook.ts";
import { run } from "../../lab/command.ts";
import { type Earlier, hostKeyLine, WHOLE } from "./_earlier.ts";
import { detailOf, earlier, endEach, items, modelsOf, servicesOf, start, topologyOf } from "./_start.ts";

endEach();

const put = ({ dataDir }: Earlier, name: string, content: string | Uint8Array) =>
  writeFileSync(join(dataDir, name), content);
const read = ({ dataDir }: Earlier, name: string) => readFileSync(join(dataDir, name), "utf8");
const settings = (values: Record<string, unknown>) => ({ "app_settings.json": JSON.stringify(values) });
const NOBODY = 65_534;
const MODELS = "models-overrides.yaml";
const SERVICES = "services-overrides.yaml";

/** What lies in the place of a file, and what of it is told. */
const IN_ITS_PLACE: Record<string, readonly [(path: string) => void, string]> = {
  "a folder": [(path) => mkdirSync(path), "not a regular file"],
  "a folder with files": [
    (path) => {
      mkdirSync(path);
      writeFileSync(join(path, "x"), "x");
    },
    "not a regular file",
  ],
  "a pipe that nobody writes to": [(path) => execFileSync("mkfifo", [path]), "not a regular file"],
  "a link to nothing": [(path) => symlinkSync("/nowhere/at/all", path), "link to a file that is not there"],
  "a link to itself": [(path) => symlinkSync(path, path), "cannot be read"],
  "a file that fails to be read": [(path) => symlinkSync("/proc/self/mem", path), "cannot be read"],
  "a file that is too large": [(path) => writeFileSync(path, "#".repeat(1_100_000)), "larger than 1 MiB"],
  "text that is not UTF-8": [(path) => writeFileSync(path, Uint8Array.of(0xff, 0xfe, 0x41)), "not UTF-8"],
};

for (const [what, [make, reason]] of Object.entries(IN_ITS_PLACE))
  describe(what, () => {
    for (const name of ["app_settings.json", MODELS, SERVICES, "topology.yaml", "known_hosts"])
      test(`in the place of ${name}`, async () => {
        const from = earlier(WHOLE);
        rmSync(join(from.dataDir, name), { force: true });
        make(join(from.dataDir, name));
        const started = await start(from);

        expect(started.report?.items.find(({ source, item }) => source === name && item === "")?.detail).toContain(
          reason,
        );
        const isSettings = name === "app_settings.json";
        expect(topologyOf(started).nodes.map(({ status }) => status)).toEqual(
          isSettings ? [] : ["configured", "configured"],
        );
        expect(servicesOf(started).parakeet?.port).toBe(isSettings ? 8000 : 8010);
        expect(modelsOf(started)).toEqual(name === MODELS ? [] : ["tuned"]);
        expect(servicesOf(started).wiki !== undefined).toBe(name !== SERVICES);
        expect(started.plane.identity.publicKeyLine.split(" ")[1]).toBe(from.publicKeyLine.split(" ")[1]);
      });

    test("in the place of a key", async () => {
      const from = earlier({ ...WHOLE, "ssh/id_ed25519": "" });
      for (const name of ["id_ed25519", "id_ed25519.pub", "ssh_key"]) make(join(from.dataDir, name));
      put(from, "ssh/id_ed25519", read(earlier({ key: "PRIVATE!" }), "key"));
      const started = await start(from);

      const isText = what.startsWith("a file that is") || what.startsWith("text");
      const inTheWay = isText || what === "a file that fails to be read" ? [] : ["id_ed25519.pub"];
      expect(items(started.report)).toEqual([...inTheWay, "id_ed25519", "ssh_key"]);
      expect(started.plane.identity.publicKeyLine).toStartWith("ssh-ed25519 ");
      expect(items(started.report, "taken")).toContain("ssh/id_ed25519");
    });

    test("in the place of the report of this upgrade: it is written", async () => {
      const from = earlier(WHOLE);
      if (what.startsWith("a file") || what.startsWith("text")) return;
      make(join(from.dataDir, "upgrade-report.json"));
      await start(from);

      expect(statSync(join(from.dataDir, "upgrade-report.json")).isFile()).toBe(true);
      expect(topologyOf(await restart(from)).nodes).toHaveLength(2);
    });
  });

async function restart(from: Earlier) {
  const copy = earlier({});
  for (const name of ["topology.yaml", SERVICES, "upgrade-report.json"]) put(copy, name, read(from, name));
  return start(copy);
}

describe("the folder of originals", () => {
  for (const [what, make] of [
    ["is a file", (path: string) => writeFileSync(path, "mine")],
    ["is a link to nothing", (path: string) => symlinkSync("/nowhere", path)],
  ] as const)
    test(`${what}: another one is made`, async () => {
      const from = earlier(WHOLE);
      make(join(from.dataDir, "before-upgrade"));
      const started = await start(from);

      expect(items(started.report)).toEqual([]);
      expect(started.report?.originals).toBe("before-upgrade-2");
      expect(read(from, `before-upgrade-2/${SERVICES}`)).toBe(WHOLE[SERVICES]!);
    });

  test("what is moved there takes nobody's place", () => {
    const from = earlier({ "before-upgrade/x": "first", x: "second" });
    const folder = new EarlierFolder(from.dataDir);

    expect(folder.setAside("x")).toBe("before-upgrade/x-2");
    expect([read(from, "before-upgrade/x"), read(from, "before-upgrade/x-2")]).toEqual(["first", "second"]);
  });

  test("of a file that is written again the first copy stays", () => {
    const from = earlier({ "a.yaml": "first" });
    new EarlierFolder(from.dataDir).write("a.yaml", "second");
    new EarlierFolder(from.dataDir).write("a.yaml", "third");

    expect([read(from, "a.yaml"), read(from, "before-upgrade/a.yaml")]).toEqual(["third", "first"]);
  });

  for (const [what, there] of [
    ["half of a copy", "fir"],
    ["somebody else's file", "of another\n"],
  ] as const)
    test(`${what} in the place of a copy stays, and the original is kept beside it`, () => {
      const from = earlier({ "a.yaml": "first", "before-upgrade/a.yaml": there });
      new EarlierFolder(from.dataDir).write("a.yaml", "second");

      const kept = ["a.yaml", "before-upgrade/a.yaml", "before-upgrade/a.yaml-2"].map((name) => read(from, name));
      expect(kept).toEqual(["second", there, "first"]);
    });

  test("a copy that is whole already is not made a second time", () => {
    const from = earlier({ "a.yaml": "first", "before-upgrade/a.yaml": "half", "before-upgrade/a.yaml-2": "first" });
    new EarlierFolder(from.dataDir).write("a.yaml", "second");

    expect(readdirSync(join(from.dataDir, "before-upgrade")).sort()).toEqual(["a.yaml", "a.yaml-2"]);
  });

  test("no room for a whole copy: nothing is rewritten, and nothing of the copy is left; later it is kept", async () => {
    const first = "#".repeat(300_000);
    const from = earlier({ "a.yaml": first, "before-upgrade/x": "" });
    const script = `import { EarlierFolder } from "${import.meta.dir}/../../../lib/upgrade/earlier-folder.ts";
      new EarlierFolder(process.argv[1]).write("a.yaml", "second")`;
    // A file may have 64 blocks: half of a copy can be written.
    const limited = 'trap "" XFSZ; ulimit -f 64; exec "$@"';
    const { exitCode, stderr } = await run(
      ["bash", "-c", limited, "limited", process.execPath, "-e", script, from.dataDir],
      { env: { ...(process.env as Record<string, string>), BUN_RUNTIME_TRANSPILER_CACHE_PATH: "0" } },
    );
    expect([exitCode, /EFBIG|ENOSPC/.test(stderr)]).toEqual([1, true]);
    expect(read(from, "a.yaml")).toBe(first);
    expect(readdirSync(join(from.dataDir, "before-upgrade"))).toEqual(["x"]);

    new EarlierFolder(from.dataDir).write("a.yaml", "second");
    expect([read(from, "a.yaml"), read(from, "before-upgrade/a.yaml")]).toEqual(["second", first]);
  });
});

describe("a disk that refuses", () => {
  test("values that cannot be written are reported, and the start goes on", async () => {
    // A mapping that can be read, where not even root can make a file.
    const from = earlier(WHOLE);
    symlinkSync("/proc/meminfo", join(from.dataDir, "topology.yaml"));
    const started = await start(from);

    const lost = started.report?.items.filter(({ item }) => item === "SPARK1_HOST");
    expect(lost).toMatchObject([{ outcome: "not_taken", detail: expect.stringContaining("topology.yaml") }]);
    expect(servicesOf(started).parakeet?.port).toBe(8010);
    expect(modelsOf(started)).toEqual(["tuned"]);
  });

  test("files, folders and a data folder that belong to somebody else", async () => {
    const from = earlier({ ...WHOLE, "topology.yaml": "nodes: []\n", known_hosts: "x", id_ed25519: "PRIVATE!" });
    for (const name of ["topology.yaml", MODELS, "known_hosts", "id_ed25519"]) chmodSync(join(from.dataDir, name), 0);
    chmodSync(join(from.dataDir, "ssh"), 0);
    const mine = await asNobody(from, from.dataDir);
    const foreign = await asNobody(earlier(WHOLE), null);

    expect(items(mine)).toEqual(
      expect.arrayContaining([MODELS, "topology.yaml", "known_hosts", "id_ed25519", "ssh/id_ed25519"]),
    );
    expect(items(mine, "taken")).toContain("app_settings.json SPARK1_HOST");
    expect(read(from, "topology.yaml")).toContain("10.77.0.11");
    expect(items(foreign)).toEqual(expect.arrayContaining(["app_settings.json SPARK1_HOST", "ssh/id_ed25519"]));
    expect(items(foreign, "taken")).toEqual(
      expect.arrayContaining([`${MODELS} tuned`, "app_settings.json WEBHOOK_URL"]),
    );
  });
});

/** Takes over with the rights of somebody who is not root. @param owned a folder that is theirs */
async function asNobody({ dataDir }: Earlier, owned: string | null): Promise<UpgradeReport> {
  const isRoot = process.getuid?.() === 0;
  if (owned !== null && isRoot) execFileSync("chown", ["-R", `${NOBODY}`, owned]);
  chmodSync(dataDir, owned === null ? 0o555 : 0o755);
  const rights = isRoot ? ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"] : [];
  const script = join(import.meta.dir, "_take-over.ts");
  const { stdout, stderr, exitCode } = await run([...rights, process.execPath, script, dataDir]);
  chmodSync(dataDir, 0o755);
  expect([exitCode, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout) as UpgradeReport;
}

describe("text as other programs write it", () => {
  const changed = (change: (text: string) => string) =>
    Object.fromEntries(Object.entries(WHOLE).map(([name, text]) => [name, change(text)]));

  for (const [what, change] of [
    ["a byte order mark", (text: string) => `\ufeff${text}`],
    ["lines that end in CR LF", (text: string) => text.replaceAll("\n", "\r\n")],
    ["both", (text: string) => `\ufeff${text.replaceAll("\n", "\r\n")}`],
  ] as const)
    test(`${what}: everything is taken`, async () => {
      const from = earlier(changed(change));
      const started = await start(from);

      expect(items(started.report)).toEqual([]);
      expect(topologyOf(started).nodes).toHaveLength(2);
      expect(servicesOf(started)).toMatchObject({ wiki: { port: 8090 }, parakeet: { port: 8010 } });
      expect(modelsOf(started)).toEqual(["tuned"]);
      expect(started.plane.identity.publicKeyLine.split(" ")[1]).toBe(from.publicKeyLine.split(" ")[1]);
      expect(started.plane.hostKeys.list()).toHaveLength(2);
    });

  test("empty files say nothing: the settings are reported, the others have nothing to report", async () => {
    const started = await start(earlier({ "app_settings.json": "", [MODELS]: "", [SERVICES]: "\n", known_hosts: "" }));

    expect(items(started.report)).toEqual(["app_settings.json"]);
  });

  test("NUL in a name, in a value, and in a file", async () => {
    const started = await start(
      earlier({
        ...settings({ "SPARK1_HOST\u0000": "10.77.0.11", SPARK2_HOST: "10.77.0.12\u0000", SSH_KEY_PATH: "ssh/\u0000" }),
        [MODELS]: "models:\n  a: { repo: x/y }\n\u0000",
        [SERVICES]: 'services:\n  "a\\0b": { kind: http }\n  parakeet: { port: 8010 }\n',
      }),
    );

    expect(items(started.report, "taken")).toContain(`${SERVICES} parakeet`);
    const told = items(started.report);
    for (const name of [
      "app_settings.json SPARK1_HOST\\u0000",
      "app_settings.json SPARK2_HOST",
      "app_settings.json SSH_KEY_PATH",
    ])
      expect(told).toContain(name);
    expect(told).toContain(`${SERVICES} a\\u0000b`);
  });

  test("a text that is repeated a thousand times by aliases is not written out", async () => {
    const aliases = Array.from({ length: 2_000 }, (_, at) => `m${at}: { repo: a/b, note: *t }`).join("\n");
    const text = `first: { repo: a/b, note: &t ${"x".repeat(100_000)} }\n${aliases}\n`;
    const from = earlier({ ...settings({}), [MODELS]: text });
    const started = await start(from);

    expect(detailOf(started.report, "").join()).toContain("too large");
    expect(read(from, MODELS)).toBe(text);
  });

  test("a file that has become too large by an upgrade would not be read: it stays as it was", async () => {
    const text = `services:\n  wiki: { kind: http, host: 10.77.0.40, port: 8090 }\n#${"x".repeat(1024 * 1024 - 80)}\n`;
    const from = earlier({ ...settings({ PARAKEET_PORT: "8010" }), [SERVICES]: text });
    const started = await start(from);

    expect(servicesOf(started).wiki?.port).toBe(8090);
    expect(detailOf(started.report, "PARAKEET_PORT").join()).toContain("no room");
    expect(read(from, SERVICES)).toBe(text);
  });

  test("a report of thousands of lines is bounded, and read again after the next start", async () => {
    const from = earlier(settings(Object.fromEntries(Array.from({ length: 5_000 }, (_, at) => [`X${at}`, "y"]))));
    const first = await start(from);
    await first.close();
    const second = await start(from);

    expect(second.report?.items).toHaveLength(2_001);
    expect(second.report?.items.at(-1)?.detail).toContain("3000 further lines");
    expect(first.logged).toContain('"item":"X4999"');
  });
});

describe("settings", () => {
  test("a name that is there twice, in the wrong case, or with spaces", async () => {
    const text = '{"VLLM_PORT": 8899, "vllm_port": 1, "VLLM_PORT": 8898, " WEBHOOK_URL": "http://10.77.0.3/"}';
    const started = await start(earlier({ "app_settings.json": text }));

    expect(items(started.report)).toEqual(
      ["VLLM_PORT", "vllm_port", " WEBHOOK_URL"].map((name) => `app_settings.json ${name}`),
    );
    expect(items(started.report, "taken")).toContain("app_settings.json VLLM_PORT");
    expect(detailOf(started.report, "vllm_port").join()).toContain("VLLM_PORT, written exactly so");
  });

  test("services that are hidden: by any case, one of the owner's own too, and lists of nothing", async () => {
    const started = await start(
      earlier({
        ...settings({ DISABLED_SERVICES: "Kokoro, WIKI, none", ALLOWED_HOSTS: " , " }),
        [SERVICES]: "services:\n  wiki: { kind: http, host: 10.77.0.40, port: 8090 }\n",
      }),
    );

    expect(servicesOf(started)).toMatchObject({ kokoro: { disabled: true }, wiki: { disabled: true } });
    expect(items(started.report)).toEqual(["app_settings.json DISABLED_SERVICES"]);
    expect(items(started.report, "kept")).toEqual(["app_settings.json ALLOWED_HOSTS"]);
  });

  test("a value of the file that is blank or cannot be used gives way to one that can", async () => {
    const started = await start(
      earlier({
        ...settings({ PARAKEET_PORT: "8010", QDRANT_PORT: "6334", SPARK1_HOST: "10.77.0.11", SPARK1_USER: "alice" }),
        [SERVICES]: "services:\n  parakeet: { port: }\n  qdrant: { port: many, container: qd }\n  kokoro: 5\n",
        "topology.yaml": "nodes:\n  - { host: , user: carol }\nslots: none\n",
      }),
    );

    expect(servicesOf(started)).toMatchObject({ parakeet: { port: 8010 }, qdrant: { port: 6334, container: "qd" } });
    expect(topologyOf(started).nodes).toMatchObject([{ name: "spark-1", host: "10.77.0.11", user: "carol" }]);
    expect(items(started.report).sort()).toEqual([`${SERVICES} kokoro`, `${SERVICES} qdrant.port`]);
    expect(items(started.report, "kept")).toEqual(["app_settings.json SPARK1_USER"]);
  });

  test("a file of this version that cannot be read makes room, and is kept", async () => {
    const from = earlier({ ...WHOLE, "topology.yaml": "nodes: [\n", [SERVICES]: "- just\n- words\n" });
    const started = await start(from);

    expect(topologyOf(started).nodes).toHaveLength(2);
    expect(servicesOf(started).parakeet?.port).toBe(8010);
    expect(read(from, "before-upgrade/topology.yaml")).toBe("nodes: [\n");
    expect(items(started.report)).toContain("topology.yaml");
  });

  test("aliases in a file are written to without a change of their other places", async () => {
    const text = "services:\n  parakeet: &p { container: asr }\n  diarizer: *p\n";
    const started = await start(earlier({ ...settings({ DIARIZER_PORT: "8011" }), [SERVICES]: text }));

    expect(servicesOf(started)).toMatchObject({
      parakeet: { container: "asr", port: 8000 },
      diarizer: { container: "asr", port: 8011 },
    });
  });

  test("a Spark without its login does not cost the other one its slot", async () => {
    const values = { SPARK1_HOST: "10.77.0.11", SPARK1_USER: "alice", SPARK2_HOST: "10.77.0.12", VLLM_PORT: 8899 };
    const started = await start(earlier(settings(values)));

    expect(topologyOf(started).slots).toMatchObject([{ name: "main", port: 8899, nodes: ["spark-1"] }]);
    expect(items(started.report)).toEqual(["topology.yaml spark-2"]);
  });

  test("a secret that cannot be used does not cost its receiver", async () => {
    const url = "http://10.77.0.30:8080/hook";
    const started = await start(earlier(settings({ WEBHOOK_URL: url, WEBHOOK_SECRET: "whsec_!not-for-the-log" })));

    expect(started.plane.webhooks.list()).toMatchObject([{ url, has_secret: false }]);
    expect(items(started.report)).toEqual(["app_settings.json WEBHOOK_SECRET"]);
    expect(JSON.stringify(started.report) + started.logged).not.toContain("not-for-the-log");
  });

  test("webhooks that cannot be kept at all", () => {
    const log = new ItemLog();
    const add = () => {
      throw Object.assign(new Error("the text of an error"), { code: "SQLITE_FULL" });
    };
    takeWebhook({ url: "http://10.77.0.30/", secret: null }, { list: () => [], add }, log);

    expect(log.items).toMatchObject([{ outcome: "not_taken", detail: expect.stringContaining("SQLITE_FULL") }]);
  });

  test("a key path that leads nowhere, or to a folder", async () => {
    const nowhere = await start(earlier(settings({ SSH_KEY_PATH: "/data/none" })));
    expect(items(nowhere.report)).toEqual(["app_settings.json SSH_KEY_PATH"]);
    const folder = await start(earlier({ ...settings({ SSH_KEY_PATH: "keys" }), "keys/x": "" }));
    expect(items(folder.report)).toEqual(["keys", "app_settings.json SSH_KEY_PATH"]);
  });
});

describe("models and services", () => {
  test("a list: what has no name, is no entry, or has a name that is taken, is reported", async () => {
    const text = `models:
  - { key: good, repo: a/b }
  - { repo: a/nameless }
  - word
  - { id: good, repo: a/second }
  - { name: "  ", repo: a/blank }
  - { key: 7, repo: a/number }
`;
    const started = await start(earlier({ ...settings({}), [MODELS]: text }));

    expect(modelsOf(started)).toEqual(["good", "7"].sort());
    expect(items(started.report)).toEqual(
      ["entry 2 of the list", "entry 3 of the list", "good", "entry 5 of the list"].map((item) => `${MODELS} ${item}`),
    );
  });

  test("entries at the top beside other words, beside the section, and below a section in capitals", async () => {
    const top = await start(earlier({ ...settings({}), [MODELS]: "version: 1\na: { repo: x/a }\nb: { repo: x/b }\n" }));
    expect(modelsOf(top)).toEqual(["a", "b"]);
    expect(items(top.report)).toEqual([`${MODELS} version`]);

    const beside = await start(
      earlier({
        ...settings({}),
        [MODELS]: "version: 1\nmodels:\n  a: { repo: x/a }\nb: { repo: x/b }\na: { repo: x/c }\n",
      }),
    );
    expect(modelsOf(beside)).toEqual(["a", "b"]);
    expect(items(beside.report)).toEqual([`${MODELS} version`, `${MODELS} a`]);

    const capitals = await start(earlier({ ...settings({}), [MODELS]: "Models:\n  a: { repo: x/a }\n" }));
    expect(modelsOf(capitals)).toEqual(["a"]);
    expect(items(capitals.report)).toEqual([]);
  });

  test("a key that is there twice, at any depth, and keys with dots", async () => {
    const text = "models:\n  q: { repo: x/a, nodes: 2, nodes: 1 }\n  q.5: { repo: x/b, odd: 1 }\n  q: { repo: x/c }\n";
    const started = await start(earlier({ ...settings({}), [MODELS]: text }));

    expect(modelsOf(started)).toEqual(["q", "q.5"]);
    expect(items(started.report)).toEqual([`${MODELS} q.5.odd`, `${MODELS} q.nodes`, `${MODELS} q`]);
    expect(detailOf(started.report, "q").at(-1)).toContain("Line 4");
  });

  test("a shipped service: each of its values that cannot be used; with none left it is not taken", async () => {
    const text = `services:
  parakeet: { port: many, container: asr }
  kokoro: { port: 0 }
  qdrant: word
  matrix-bridge: { directory: "a; reboot", container: bot }
  wiki: { kind: http, port: 8090, host: "-x", Port: 1 }
`;
    const started = await start(earlier({ ...settings({}), [SERVICES]: text }));

    expect(items(started.report, "taken")).toEqual(
      ["parakeet", "matrix-bridge", "wiki"].map((name) => `${SERVICES} ${name}`),
    );
    expect(items(started.report)).toEqual(
      ["parakeet.port", "kokoro", "qdrant", "matrix-bridge.directory", "wiki.Port", "wiki.host"].map(
        (name) => `${SERVICES} ${name}`,
      ),
    );
  });

  test("a model that is hidden, one of ours taken away, one of nobody", async () => {
    const text = "models:\n  mine: { repo: x/a, hidden: true }\n  none:\n";
    const started = await start(earlier({ ...settings({}), [MODELS]: text }));

    expect(items(started.report, "taken")).toEqual([`${MODELS} mine`]);
    expect(items(started.report)).toEqual([`${MODELS} none`]);
  });
});

describe("keys and known hosts", () => {
  test("further keys stay where they are, and are told", async () => {
    const from = earlier({ ...WHOLE, ssh_key: read(earlier({ key: "PRIVATE!" }), "key") });
    const started = await start(from);

    expect(items(started.report, "kept")).toEqual(["ssh_key"]);
    expect(existsSync(join(from.dataDir, "ssh_key"))).toBe(true);
  });

  test("a port that is none, and a second key of a host", async () => {
    const lines = [`[10.77.0.11]:99999 ${hostKeyLine()}`, `10.77.0.12 ${hostKeyLine()}`, `10.77.0.12 ${hostKeyLine()}`];
    const started = await start(earlier({ ...settings({}), known_hosts: lines.join("\n") }));

    expect(items(started.report)).toEqual(["known_hosts"]);
    expect(items(started.report, "kept")).toEqual(["known_hosts"]);
    expect(started.plane.hostKeys.list()).toHaveLength(1);
  });
});
