/** The examples of docs/COORDINATION.md about reservations, run as they stand there. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { LockSchema } from "../../lib/lock/lock.ts";
import { type Demo, startDemo } from "../support/demo.ts";
import { requirement } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { consumerFolder, example } from "./_examples.ts";

setDefaultTimeout(60_000);

const ROOT = join(import.meta.dir, "../..");
const DOCUMENT = "docs/COORDINATION.md";
const PAGE = readFileSync(join(ROOT, DOCUMENT), "utf8");

let folder: string;
let demo: Demo;
beforeAll(async () => {
  demo = await startDemo();
  folder = await consumerFolder();
}, 120_000);
afterAll(async () => {
  await demo.close();
  rmSync(folder, { recursive: true, force: true });
});

async function run(file: string, code: string, command: readonly string[]) {
  writeFileSync(join(folder, file), code);
  const env = { PATH: process.env.PATH ?? "", HOME: folder, SPARK: demo.url };
  const child = Bun.spawn([...command, file], { cwd: folder, env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [said, complained] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return { exitCode: await child.exited, said, complained };
}

const LANGUAGES = [
  { heading: "curl", language: "sh", file: "example.sh", command: ["bash", "-u"] },
  { heading: "TypeScript", language: "ts", file: "example.ts", command: [process.execPath] },
  { heading: "Python", language: "python", file: "example.py", command: ["python3"] },
] as const;

for (const { heading, language, file, command } of LANGUAGES) {
  const there = Bun.which(command[0]) !== null && (language !== "sh" || Bun.which("curl") !== null);
  const describeExample = requirement(`the example in ${heading}`, there, `${command[0]} or curl is not installed`);
  describeExample(`the example in ${heading}`, () => {
    test("waits in line, swaps, works, and releases", async () => {
      const events: string[] = [];
      const unsubscribe = demo.plane.events.subscribe(({ type }) => events.push(type));
      const other = demo.plane.lock.acquire({ holder: "Bob", by: "a test" });

      const running = run(file, example(DOCUMENT, language, "reservation"), command);
      await until("it waits in line", () => demo.plane.lock.waiting === 1, 30_000);
      demo.plane.lock.release(other.token);
      const { exitCode, said, complained } = await running;
      unsubscribe();

      expect({ exitCode, complained }).toEqual({ exitCode: 0, complained: "" });
      expect(said).toContain("ready:");
      expect(demo.plane.swaps.list(1)[0]).toMatchObject({ model: "gpt-oss-20b", state: "ready" });
      expect(demo.plane.lock.current()).toBeNull();
      expect(events.filter((type) => type === "lock.released")).toHaveLength(2);
    });

    if (language !== "ts")
      test("fails, and swaps nothing, when the model does not load", async () => {
        const code = example(DOCUMENT, language, "reservation").replaceAll("gpt-oss-20b", "no-such-model");

        const { exitCode } = await run(file, code, command);

        expect(exitCode).not.toBe(0);
        expect(demo.plane.lock.current()).toBeNull();
      });
  });
}

/** What a controller in name only answers to everything but renewals; the first renewal is as it should be. */
const JOB = { job_id: "1", state: "loading", ended_at: null, reason: null };
const GRANT = { held: true, token: "x", generation: 1, seconds_remaining: 4 };

type Renewal = (socket: Socket) => void;

/** Speaks HTTP/1.0 by hand, so that an answer may come in any shape. */
async function failingController(renewal: Renewal) {
  const closing: (() => void)[] = [];
  let renewals = 0;
  const server = createServer((socket) => {
    const answer = (value: unknown) =>
      socket.end(`HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n${JSON.stringify(value)}`);
    let asked = "";
    let isAnswered = false;
    closing.push(() => socket.destroy());
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => {
      asked += bytes.toString();
      const [head = "", body] = asked.split("\r\n\r\n");
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      if (isAnswered || body === undefined || body.length < length) return;
      isAnswered = true;
      if (head.startsWith("DELETE")) answer({ held: false });
      else if (!head.includes("/api/swap/lock")) answer(JOB);
      else if (!/^x-swap-lock-token:/im.test(head) || ++renewals === 1) answer(GRANT);
      else renewal(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    renewals: () => renewals,
    close() {
      for (const close of closing) close();
      server.close();
    },
  };
}

/** `text` again and again, a byte each tenth of a second. */
function byteByByte(socket: Socket, text: string, before = ""): void {
  let said = 0;
  socket.write(before);
  const saying = setInterval(() => socket.write(text[said++ % text.length] ?? ""), 100);
  socket.on("close", () => clearInterval(saying));
}

const OK = "HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n";
const FAILING: readonly (readonly [string, Renewal])[] = [
  ["never comes", () => undefined],
  ["is no JSON", (socket) => socket.end(`${OK}\r\n<html>Sign in</html>`)],
  ["is JSON of another kind", (socket) => socket.end(`${OK}\r\n[]`)],
  ["is no HTTP", (socket) => socket.end("220 mail.example.com ESMTP\r\n")],
  ["comes byte by byte", (socket) => byteByByte(socket, " ", `${OK}\r\n`)],
  ["begins byte by byte", (socket) => byteByByte(socket, OK)],
];

requirement(
  "renewals that fail",
  Bun.which("python3") !== null,
  "python3 is not installed",
)("the example in Python", () => {
  test.each(FAILING)("gives up when its time is over, although the answer to a renewal %s", async (_, renewal) => {
    const controller = await failingController(renewal);
    const code = example(DOCUMENT, "python", "reservation")
      .replace(/TTL_SECONDS = \d+/, "TTL_SECONDS = 4")
      .replace("http://spark-control.local:9999", controller.url)
      .replace('os.environ.get("SPARK", ', "(");
    const began = performance.now();

    const { exitCode, complained } = await run("failing.py", code, ["python3"]);

    controller.close();
    expect([exitCode, complained]).toEqual([1, expect.stringContaining("the reservation was lost")]);
    expect(controller.renewals()).toBeGreaterThan(1);
    // Its time, and the second in which the work looks whether it is over.
    expect((performance.now() - began) / 1000).toBeWithin(3.5, 8);
  });
});

describe("the page", () => {
  test("shows every field of the lock, and no other", () => {
    const shown = JSON.parse(/```json\n(.*?)```/s.exec(PAGE)?.[1] ?? "") as Record<string, unknown>;

    expect(Object.keys(shown).sort()).toEqual(["held", "token", ...Object.keys(LockSchema.properties)].sort());
  });

  /** The rows of the table that begin with this one. */
  const rowsOf = (request: string) =>
    new RegExp(`\\n(\\| ${request} .*?)(?=\\n\\| [^ ]|\\n\\n)`, "s").exec(PAGE)?.[1] ?? "";
  const codesIn = (...files: readonly string[]) => {
    const codes = files.flatMap((file) =>
      [...readFileSync(join(ROOT, file), "utf8").matchAll(/new Fault\(\s*"\w+",\s*"(\w+)"/g)].map((match) => match[1]!),
    );
    return [...new Set(codes)];
  };
  const unnamed = (codes: readonly string[], text: string) => codes.filter((code) => !text.includes(`\`${code}\``));

  test("names every code of the lock, of swaps, and of stops and restarts", () => {
    const codes = codesIn(
      ...["lib/lock/refusals.ts", "lib/swap/claims.ts", "lib/swap/engine.ts", "lib/swap/slot-stop.ts"],
      ...["lib/swap/facts.ts", "lib/swap/swap-store.ts", "lib/operations.ts"],
      ...["lib/service/service-actions.ts", "lib/service/service-board.ts"],
    );

    expect(codes.length).toBeGreaterThan(20);
    expect(unnamed(codes, PAGE)).toEqual([]);
  });

  test("names, beside stops and restarts, every code that comes from a Spark", () => {
    const codes = codesIn("lib/spark/spark-ssh.ts", "lib/spark/containers.ts", "lib/spark/docker-trouble.ts");
    const [, kinds] = /const KINDS: .*?\{(.*?)\}/s.exec(readFileSync(join(ROOT, "lib/ssh/errors.ts"), "utf8")) ?? [];
    const reasons = [...(kinds ?? "").matchAll(/^ +(\w+):/gm)].map((match) => `ssh_${match[1]}`);

    expect(codes).toContain("fenced");
    expect(reasons.length).toBeGreaterThan(5);
    expect(unnamed([...codes, ...reasons], rowsOf("restart"))).toEqual([]);
  });

  test("names every code of updates of bots, and of deleting files, beside them", () => {
    expect(unnamed(codesIn("lib/bot/bot-updates.ts"), rowsOf("update"))).toEqual([]);
    expect(unnamed(codesIn("lib/model-files.ts", "lib/spark/hub.ts"), rowsOf("`DELETE` files"))).toEqual([]);
  });
});
