/** The parts of the StartOS package, run against effects that remember what they were asked. */
import { describe, expect, setDefaultTimeout, spyOn, test } from "bun:test";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readHosts } from "../../lib/config/hosts-file.ts";
import { VERSION } from "../../routes/_version.ts";
import { run as runProcess } from "../lab/command.ts";
import { requirement } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import type { Loaded } from "./_startos.ts";
import { useStartos } from "./_startos-bench.ts";
import { startosMedia } from "./_startos-media.ts";

setDefaultTimeout(180_000);

const bench = useStartos();
const { volumeFile, read, write, asked, action, run } = bench;

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
    await expect(run("show-ssh-key")).rejects.toThrow("no key yet");
    write("id_ed25519.pub", "ssh-ed25519 AAAAC3Nza spark-control\n");
    expect((await run("show-ssh-key")).result.value).toBe("ssh-ed25519 AAAAC3Nza spark-control");
    for (const line of [
      "ecdsa-sha2-nistp256 AAAAE2Vj key of Alice",
      "ssh-rsa AAAAB3Nz alice@laptop: study (2026)",
      "ssh-ed25519 AAAA",
    ]) {
      write("id_ed25519.pub", `${line}\n`);
      expect((await run("show-ssh-key")).result.value).toBe(line);
    }
    write("id_ed25519.pub", "ssh-ed25519 AAAA x\n-----BEGIN OPENSSH PRIVATE KEY-----\n");
    await expect(run("show-ssh-key")).rejects.toThrow("no key yet");
    write("id_ed25519.pub", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n");
    await expect(run("show-ssh-key")).rejects.toThrow("no key yet");
  });

  test("Release the reservation: forced, with a reason; nothing is done when nothing is held or nobody answers", async () => {
    const requests: string[] = [];
    let held = true;
    let generation = 42;
    const controller = (request: Request) => {
      requests.push(`${request.method} ${new URL(request.url).pathname}${new URL(request.url).search}`);
      const isOther = request.method === "DELETE" && !request.url.includes("generation=42");
      if (isOther) return Response.json({ code: "other_reservation" }, { status: 409 });
      return Response.json(request.method === "GET" ? { held, holder: "nightly", generation } : { held: false });
    };
    await withController(controller, async () => {
      expect((await run("release-reservation")).message).toBe("It was held by nightly.");
      generation = 41;
      await expect(run("release-reservation")).rejects.toThrow("Another reservation is held by now");
      held = false;
      expect((await run("release-reservation")).title).toBe("Nothing is reserved");
    });
    expect(requests).toEqual([
      "GET /api/swap/lock",
      "DELETE /api/swap/lock?force=true&generation=42&reason=StartOS",
      "GET /api/swap/lock",
      "DELETE /api/swap/lock?force=true&generation=41&reason=StartOS",
      "GET /api/swap/lock",
    ]);
    await withController(
      () => new Response(null, { status: 500 }),
      async () => {
        await expect(run("release-reservation")).rejects.toThrow("does not answer");
      },
    );
  });

  test("Reset pinned host keys: only that file, only while stopped", async () => {
    write("known_hosts.json", "[]");
    write("topology.yaml", "nodes: []\n");
    await run("reset-host-keys");

    expect(readdirSync(bench.package.volume)).toEqual(["topology.yaml"]);
    expect(await (await action("reset-host-keys")).exportMetadata({ effects: bench.fake.effects })).toMatchObject({
      allowedStatuses: "only-stopped",
      warning: expect.stringContaining("impostor"),
    });
    await run("reset-host-keys");
  });

  test("Download diagnostics: what the controller says, without what is or looks like a secret, also when a part is missing", async () => {
    write(
      "id_ed25519",
      "-----BEGIN OPENSSH PRIVATE KEY-----\naHVudGVyMmh1bnRlcjJodW50ZXIy\n-----END OPENSSH PRIVATE KEY-----\n",
    );
    write("startos-webhook.json", JSON.stringify({ url: "http://10.77.0.30/", secret: "plain hunter2", wanted: true }));
    const hostile = {
      nodes: [{ name: "spark-1", host: "10.77.0.11", token: "hunter2" }],
      api_key: ["hunter2"],
      has_secret: true,
      tokens: 3,
      problems: [
        "whsec_hunter2",
        "-----BEGIN RSA PRIVATE KEY-----\nhunter2",
        "key aHVudGVyMmh1bnRlcjJodW50ZXIy here",
        "signed with plain hunter2.",
        "Authorization: Bearer hunter2hunter2",
        "http://alice:hunter2@10.77.0.30/x",
        "HF_TOKEN=hunter2 --port 8888",
      ],
      "password=hunter2": 1,
    };
    const controller = ({ url }: Request) =>
      url.endsWith("/health") ? new Response(null, { status: 500 }) : Response.json(hostile);
    await withController(controller, async () => {
      const text = (await run("download-diagnostics")).result.value as string;
      expect(text).not.toMatch(/hunter2|aHVudGVy/);
      expect(text).toContain("http://…@10.77.0.30/x");
      expect(text).toContain("--port 8888");
      expect(JSON.parse(text)).toMatchObject({
        "/health": "status 500",
        "/api/diagnostics": { nodes: [{ name: "spark-1", host: "10.77.0.11" }], has_secret: true, tokens: 3 },
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
    const { init: run } = await bench.package.load("startos/init/index.ts");
    const { hostsJson } = await bench.package.load("startos/fileModels/hosts.json.ts");
    const writeHosts = Object.getPrototypeOf(hostsJson).write as (...args: unknown[]) => Promise<null>;
    let written = 0;
    hostsJson.write = async (...args: unknown[]) => {
      await writeHosts.apply(hostsJson, args);
      written += 1;
    };
    await run({ effects: bench.fake.effects, kind });
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
    expect(bench.fake.dataVersion).toBe(VERSION);
  });

  test("does not ask where the Sparks are known, and not at an update or an ordinary start", async () => {
    write("topology.yaml", "nodes: []\n");
    await init("install");
    rmSync(volumeFile("topology.yaml"));
    for (const kind of ["update", null]) await init(kind);

    expect(asked("action.createTask")).toEqual([]);
  });

  test("hosts.json holds the names that StartOS gives, as the controller reads them, and follows their changes", async () => {
    bench.fake.host = host("tile.example.com", "Spark-Box.local", "10.77.0.5");
    await init(null);
    expect(JSON.parse(read("hosts.json"))).toEqual(["10.77.0.5", "spark-box.local", "tile.example.com"]);
    expect(readHosts({ name: "hosts.json", text: read("hosts.json") }).problems).toEqual([]);

    bench.fake.changeHost(host("other.example.com"));
    await until("the change is written", () => read("hosts.json").includes("other.example.com"));
    expect(JSON.parse(read("hosts.json"))).toEqual(["other.example.com"]);
    bench.fake.changeHost(null);
    await until("no name is left", () => !read("hosts.json").includes("example"));
  });

  test("a restore brings back what the backup has, and the copies of the databases become the databases", async () => {
    write("facts.db", "of a new installation");
    write("facts.db-wal", "its journal");
    const media = startosMedia(bench.package.volume);
    try {
      media.fill({
        "backup/facts.db": "copy",
        "backup/telemetry.db": "copy too",
        id_ed25519: "key",
        "topology.yaml": "",
      });
      await init("restore");

      const there = ["facts.db", "hosts.json", "id_ed25519", "telemetry.db", "topology.yaml"];
      expect(readdirSync(bench.package.volume).sort()).toEqual(there);
      expect([read("facts.db"), read("telemetry.db"), read("id_ed25519")]).toEqual(["copy", "copy too", "key"]);
      expect(asked("action.createTask")).toEqual([]);
      expect(bench.fake.dataVersion).toBe(VERSION);
    } finally {
      media.close();
    }
  });

  test("data of every earlier version are taken; a downgrade is not possible", async () => {
    const { versionGraph } = await bench.package.load("startos/versions/index.ts");
    for (const from of ["0.1.0:0", "0.27.0:0", "0.27.9:3"]) {
      bench.fake.dataVersion = from;
      await init("update");
      expect([from, bench.fake.dataVersion]).toEqual([from, VERSION]);
    }
    const { ExtendedVersion } = await bench.package.load("node_modules/@start9labs/start-sdk/lib/index.js");
    expect(versionGraph.canMigrateTo().toString()).not.toContain("<");
    expect(ExtendedVersion.parse("0.27.9:3").satisfies(versionGraph.canMigrateFrom())).toBe(true);
    expect(ExtendedVersion.parse("0.27.9:3").satisfies(versionGraph.canMigrateTo())).toBe(false);
  });
});

const entries = async (): Promise<Loaded[]> => {
  const { main } = await bench.package.load("startos/main.ts");
  return (await main({ effects: bench.fake.effects })).entries;
};

describe("the daemon", () => {
  test("runs without root behind a step that gives it the volume, with what the image sets", async () => {
    write("startos-webhook.json", JSON.stringify({ url: "http://10.77.0.30/hook", secret: "s3cret", wanted: true }));
    const [own, controller] = await entries();

    expect([own.kind, own.id, own.exec.user]).toEqual(["oneshot", "own-data", "0"]);
    expect([controller.kind, controller.requires, controller.exec.user]).toEqual(["daemon", ["own-data"], "65532"]);
    expect(controller.exec.command).toEqual(["/usr/local/bin/bun", "/app/routes/_server.ts"]);
    expect(controller.exec.env).toMatchObject({
      PORT: "9999",
      DATA_DIR: "/data",
      BUN_CONFIG_MAX_HTTP_REQUESTS: "16384",
    });
    // The webhook is taken over from its file, live, and changed in the dashboard.
    expect(JSON.stringify(controller.exec.env)).not.toMatch(/WEBHOOK|s3cret/);
    const dockerfile = readFileSync(join(import.meta.dir, "../../Dockerfile"), "utf8");
    expect(dockerfile).toContain(`ENTRYPOINT ${JSON.stringify(controller.exec.command).replace(",", ", ")}`);
    expect(dockerfile).toContain("USER 65532:65532");
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

requirement(
  "the volume's owner",
  process.getuid?.() === 0,
  "needs root",
)("the volume", () => {
  test("is given as a whole, and nothing outside of it", async () => {
    const outside = mkdtempSync(join(tmpdir(), "spark-outside-"));
    const [own] = await entries();
    const isOwner = (path: string | Buffer) => lstatSync(path).uid === 65_532;
    const odd = Buffer.concat([Buffer.from(volumeFile("a/")), Buffer.of(0xff, 0xfe, 0x41)]);
    try {
      mkdirSync(volumeFile("a/b"), { recursive: true });
      mkdirSync(join(outside, "sub"));
      for (const path of [volumeFile("a/b/file"), join(outside, "sub/file"), odd]) writeFileSync(path, "");
      symlinkSync(outside, volumeFile("a/folder"));
      symlinkSync(join(outside, "sub/file"), volumeFile("link"));
      symlinkSync("/nowhere/at/all", volumeFile("nothing"));
      const [, ...args] = own.exec.command;
      const env = { ...own.exec.env, PATH: process.env.PATH ?? "", DATA_DIR: bench.package.volume };
      const { exitCode, stderr } = await runProcess([process.execPath, ...args], { env });

      expect([exitCode, stderr]).toEqual([0, ""]);
      expect(own.exec.env).toEqual({ DATA_DIR: "/data" });
      const given = ["", "a", "a/b", "a/b/file", "a/folder", "link", "nothing"].map(volumeFile);
      expect([...given, odd].filter((path) => !isOwner(path))).toEqual([]);
      expect([outside, join(outside, "sub"), join(outside, "sub/file")].filter(isOwner)).toEqual([]);
    } finally {
      rmSync(outside, { recursive: true, force: true });
    }
  });
});

describe("backups", () => {
  test("a backup has copies of the databases that were made before it, not the live ones, and leaves none behind", async () => {
    const { createBackup } = await bench.package.load("startos/backups.ts");
    const { sdk } = await bench.package.load("startos/sdk.ts");
    for (const name of ["facts.db", "facts.db-wal", "telemetry.db", "id_ed25519"]) write(name, "live");
    const media = startosMedia(bench.package.volume);
    const container = {
      async execFail(command: string[]) {
        expect(command).toContain("/app/routes/_snapshot.ts");
        expect(media.backup()).toEqual([]);
        mkdirSync(volumeFile("backup"));
        for (const name of ["facts.db", "telemetry.db"]) write(`backup/${name}`, "copy");
        return { stderr: "" };
      },
    };
    const withTemp = spyOn(sdk.SubContainer, "withTemp").mockImplementation(async (...words: Loaded[]) =>
      words.at(-1)(container),
    );
    try {
      await createBackup({ effects: bench.fake.effects });

      expect(media.backup()).toEqual(["backup/facts.db", "backup/telemetry.db", "id_ed25519"]);
      expect(media.read("backup/facts.db")).toBe("copy");
      expect(readdirSync(bench.package.volume).sort()).toEqual([
        "facts.db",
        "facts.db-wal",
        "id_ed25519",
        "telemetry.db",
      ]);
      expect(withTemp.mock.calls[0]?.[1]).toEqual({ imageId: "main" });
    } finally {
      withTemp.mockRestore();
      media.close();
    }
  });

  test("the live databases stay out, and after a restore the copies take their place", async () => {
    const { LEFT_OUT, useSnapshots } = await bench.package.load("startos/backups.ts");
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

    expect(readdirSync(bench.package.volume).sort()).toEqual(["facts.db", "id_ed25519"]);
    expect(read("facts.db")).toBe("copy");
    await useSnapshots();
    expect(read("facts.db")).toBe("copy");
  });

  test("what is wrong with a copy stands in the log, and the backup goes on; a failure ends it with its words", async () => {
    const { makeSnapshots } = await bench.package.load("startos/backups.ts");
    const asked: unknown[] = [];
    const log = spyOn(console, "warn").mockImplementation(() => undefined);
    const making = (stderr: string) =>
      makeSnapshots({
        execFail: async (...words: unknown[]) => {
          asked.push(words);
          return { stdout: "/data/backup/facts.db\n", stderr };
        },
      });
    try {
      await making("");
      expect(log).not.toHaveBeenCalled();
      await making("SQLite cannot copy /data/telemetry.db: it is damaged.\n");
      expect(log.mock.calls).toEqual([["Backup: SQLite cannot copy /data/telemetry.db: it is damaged."]]);
    } finally {
      log.mockRestore();
    }
    expect(asked[0]).toEqual([
      ["/usr/local/bin/bun", "/app/routes/_snapshot.ts"],
      { user: "65532", cwd: "/app", env: { DATA_DIR: "/data" } },
      600_000,
    ]);
    await expect(
      makeSnapshots({
        execFail: async () => {
          throw new Error("facts.db cannot be copied");
        },
      }),
    ).rejects.toThrow("facts.db cannot be copied");
  });
});
