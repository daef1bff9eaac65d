/** The Dockerfile, really built and really run, on a base made here: no registry of images is asked. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { readImage } from "../../release/image-tar.ts";
import { VERSION } from "../../routes/_version.ts";
import { requirement } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { BASE, makeBaseImage } from "./_base-image.ts";
import { PATH, Podman, TOOLS } from "./_podman.ts";

setDefaultTimeout(120_000);

const ROOT = join(import.meta.dir, "../..");
const IMAGE = "localhost/spark-control:test";
/** As `make` says it. */
const REVISION = "0123456789abcdef0123456789abcdef01234567-modified";
const BUILD_LIMIT_MS = 600_000;
/** Without the base: what this product adds to Bun. Measured 16 MB. */
const LAYERS_MB = 25;
/** As a container engine that is careful would run it. */
const STRICT = ["--read-only", "--read-only-tmpfs=false", "--cap-drop=ALL", "--security-opt=no-new-privileges"];
/** The limits of this machine's root may be higher than what a container may ask for. */
const ULIMITS = ["--ulimit=nofile=1024:1024", "--ulimit=nproc=1000:1000"];

const missing = TOOLS.filter((tool) => Bun.which(tool, { PATH }) === null);
const isRoot = process.getuid?.() === 0;
const how = isRoot ? `${missing.join(", ")} missing (apt-get install podman runc debootstrap iproute2)` : "needs root";

requirement(
  "the image",
  isRoot && missing.length === 0,
  how,
)("the image", () => {
  let podman: Podman;

  beforeAll(async () => {
    podman = await Podman.open();
    await makeBaseImage(podman);
    const bases = [`--build-arg=BUILD_IMAGE=${BASE}`, `--build-arg=RUNTIME_IMAGE=${BASE}`];
    const build = ["build", "--format=docker", "--network=host", "--pull-never", ...ULIMITS, ...bases];
    await podman.must([...build, `--build-arg=REVISION=${REVISION}`, "--tag", IMAGE, ROOT], "machine");
  }, BUILD_LIMIT_MS);
  afterAll(() => podman?.close());

  /** @param more options of podman, then after `--` the arguments of the controller */
  async function start(name: string, port: number, volume: string, env: readonly string[] = [], args: string[] = []) {
    const variables = [`PORT=${port}`, ...env].flatMap((one) => ["--env", one]);
    const options = ["--name", name, "--network=host", ...STRICT, ...ULIMITS, "--volume", `${volume}:/data`];
    await podman.must(["run", "--detach", "--log-driver=k8s-file", ...options, ...variables, IMAGE, ...args]);
    await answers(port);
  }
  const answers = (port: number) =>
    until("the controller answers", async () => (await health(port)).status === 200, 60_000);
  const health = (port: number) => podman.ask(`http://127.0.0.1:${port}/health`);
  const inspected = async (what: string, format: string) => podman.must(["inspect", "--format", format, what]);
  const inside = (name: string, script: string) => podman.tryTo(["exec", name, "/usr/local/bin/bun", "-e", script]);
  const post = (port: number, path: string, body: unknown) =>
    podman.ask(`http://127.0.0.1:${port}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });

  test("is small, says what it is, and carries nothing that is not needed", async () => {
    const [whole, base] = await Promise.all([IMAGE, BASE].map((image) => inspected(image, "{{.Size}}")));
    const megabytes = (Number(whole) - Number(base)) / 1e6;
    console.log(
      `image: ${megabytes.toFixed(1)} MB above its base (the base made here: ${(Number(base) / 1e6).toFixed(0)} MB)`,
    );
    expect(megabytes).toBeLessThan(LAYERS_MB);

    const config = JSON.parse(await inspected(IMAGE, "{{json .Config}}")) as Record<string, unknown>;
    expect(config).toMatchObject({
      User: "65532:65532",
      StopSignal: "SIGTERM",
      Volumes: { "/data": {} },
      ExposedPorts: { "9999/tcp": {} },
      Labels: {
        "org.opencontainers.image.title": "Spark Control",
        "org.opencontainers.image.licenses": "MIT",
        "org.opencontainers.image.version": VERSION,
        "org.opencontainers.image.revision": REVISION,
      },
    });
    const tar = join(podman.folder, "image.tar");
    await podman.must(["save", "--format=docker-archive", `--output=${tar}`, IMAGE]);
    expect(readImage(tar)).toEqual({ version: VERSION, gitHash: REVISION });
    await rm(tar);
    expect(config.Env).toContain("BUN_CONFIG_MAX_HTTP_REQUESTS=16384");
    expect(await inspected(IMAGE, "{{json .HealthCheck}}")).toContain("_health-check.ts");
  });

  test("nothing in it is machine code or of the tests: one content for every architecture", async () => {
    const list = `const { readdirSync, readFileSync } = require("node:fs");
      const files = readdirSync("/app", { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
      const paths = files.map(({ parentPath, name }) => parentPath + "/" + name);
      const isElf = (path) => readFileSync(path).subarray(0, 4).equals(Buffer.from("\\x7fELF", "latin1"));
      console.log(JSON.stringify({ count: paths.length, elf: paths.filter(isElf), tests: paths.filter((path) => /[.]test[.]ts$|^.app.(tests|startos|docs|[.]git)/.test(path) && !path.includes("node_modules")) }));`;
    const run = ["run", "--rm", "--network=none", ...ULIMITS, "--entrypoint=/usr/local/bin/bun", IMAGE, "-e", list];
    const found = JSON.parse(await podman.must(run)) as { count: number; elf: string[]; tests: string[] };

    expect(found).toMatchObject({ elf: [], tests: [] });
    expect(found.count).toBeGreaterThan(300);
  });

  test("runs without root and writes to /data only; a health check that fails when it should", async () => {
    await start("strict", 9999, "strict-data");
    const answer = await health(9999);
    expect(answer.json<object>()).toMatchObject({ status: "ok", version: VERSION, simulated: false });
    expect(answer.headers.get("x-spark-simulated")).toBeNull();
    const page = await podman.ask("http://127.0.0.1:9999/");
    expect([page.status, page.headers.get("content-type")]).toEqual([200, expect.stringContaining("text/html")]);
    expect((await podman.ask("http://127.0.0.1:9999/swagger/swagger-ui-bundle.js")).status).toBe(200);

    const who = await inside("strict", "console.log(process.getuid(), process.getgid())");
    expect(who.stdout.trim()).toBe("65532 65532");
    for (const place of ["/app/x", "/tmp/x", "/etc/x"]) {
      const write = await inside("strict", `require("node:fs").writeFileSync("${place}", "x")`);
      expect([place, write.exitCode]).toEqual([place, 1]);
      expect(write.stderr).toMatch(/EROFS|EACCES/);
    }
    expect((await inside("strict", 'require("node:fs").writeFileSync("/data/x", "x")')).exitCode).toBe(0);
    const modes = await inside(
      "strict",
      'const { statSync } = require("node:fs"); console.log(...["/data", "/data/id_ed25519"].map((p) => (statSync(p).mode & 0o777).toString(8)))',
    );
    expect(modes.stdout.trim()).toBe("700 600");

    expect((await podman.tryTo(["healthcheck", "run", "strict"])).exitCode).toBe(0);
    const elsewhere = ["exec", "--env", "PORT=9", "strict", "/usr/local/bin/bun", "/app/routes/_health-check.ts"];
    expect((await podman.tryTo(elsewhere)).exitCode).toBe(1);
  });

  test("stop lets it finish, kill loses nothing, and a new container on the same volume goes on", async () => {
    await start("kept", 9997, "kept-data");
    const url = "http://127.0.0.1:9997";
    const webhook = { url: "https://hooks.example/spark", name: "of Alice" };
    expect((await post(9997, "/api/webhooks", webhook)).status).toBe(201);
    const publicKey = async () => (await podman.ask(`${url}/api/status`)).json<{ public_key: string }>().public_key;
    const key = await publicKey();
    const keeps = async () => {
      expect(await publicKey()).toBe(key);
      expect((await podman.ask(`${url}/api/webhooks`)).text).toContain(webhook.url);
    };

    await podman.must(["stop", "--time=20", "kept"]);
    expect(await inspected("kept", "{{.State.ExitCode}}")).toBe("0");
    expect((await podman.tryTo(["logs", "kept"])).stdout).toContain("shutting down");
    await podman.must(["start", "kept"]);
    await answers(9997);
    await keeps();

    await podman.must(["kill", "--signal=KILL", "kept"]);
    await podman.must(["wait", "kept"]);
    expect(await inspected("kept", "{{.State.ExitCode}}")).toBe("137");
    await podman.must(["start", "kept"]);
    await answers(9997);
    await keeps();

    const copies = await podman.must(["exec", "kept", "/usr/local/bin/bun", "/app/routes/_snapshot.ts"]);
    expect(copies.split("\n")).toEqual(["/data/backup/facts.db", "/data/backup/telemetry.db"]);
    await podman.must(["rm", "--force", "--time=0", "kept"]);
    await start("kept-again", 9997, "kept-data");
    await keeps();
  });

  test("swaps models on its simulated cluster, and still shows so after a kill", async () => {
    await start("demo", 9998, "demo-data", ["SIM_SPEED=300"], ["--simulated"]);
    const url = "http://127.0.0.1:9998";
    const begun = await post(9998, "/api/swap", { model: "gpt-oss-20b" });
    expect([begun.status, begun.headers.get("x-spark-simulated")]).toEqual([202, "1"]);
    const { job_id: id } = begun.json<{ job_id: string }>();
    const job = async () =>
      (await podman.ask(`${url}/api/swap/${id}`)).json<{ state: string; reason: string | null }>();
    await until("the swap has ended", async () => /ready|failed|unknown/.test((await job()).state), 90_000);
    expect(await job()).toMatchObject({ state: "ready", reason: null });
    const chat = await post(9998, "/v1/chat/completions", {
      model: "gpt-oss-20b",
      messages: [{ role: "user", content: "hi" }],
    });
    expect([chat.status, chat.json<{ object: string }>().object]).toEqual([200, "chat.completion"]);

    await podman.must(["kill", "--signal=KILL", "demo"]);
    await podman.must(["wait", "demo"]);
    await podman.must(["start", "demo"]);
    await answers(9998);
    expect(await job()).toMatchObject({ state: "ready" });
  });
});
