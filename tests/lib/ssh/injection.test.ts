/**
 * No value becomes shell. Generated strings go through every way in which text reaches a shell and have to come out as
 * the same arguments; a canary file that many of them try to make must not exist in the end. Many strings share one
 * shell process, so that thousands take seconds.
 */
import { afterAll, afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { createDetachedJobs } from "../../../lib/ssh/detached-jobs.ts";
import { batch, command, parseBatch, quote, path as remotePath, script } from "../../../lib/ssh/quote.ts";
import { requirement } from "../../support/requirements.ts";
import { type LocalShell, localShell, SHELLS } from "./local-shell.ts";
import { until } from "./sshd.ts";

setDefaultTimeout(120_000);

const COUNT = 2_400;
const seed = Number(process.env.FC_SEED ?? crypto.getRandomValues(new Int32Array(1))[0]);
const folder = mkdtempSync(join(tmpdir(), "injection-"));
const canary = join(folder, "canary");
console.log(`injection: seed ${seed} (repeat with FC_SEED=${seed})`);

const HOSTILE = [
  ..."'\"\\`$!*?[]{}()<>|&;#~=%^ \t\r\n\v\f\b\x1b\x7f",
  "''",
  "'\\''",
  "\n\n",
  "\r\n",
  "$HOME",
  `\${IFS}`,
  `$(touch ${canary})`,
  `\`touch ${canary}\``,
  `; touch ${canary};`,
  `'; touch ${canary} #`,
  `"; touch ${canary} #`,
  `\ntouch ${canary}\n`,
  `&& touch ${canary}`,
  `| tee ${canary}`,
  `> ${canary}`,
  `-oProxyCommand=touch ${canary}`,
  "-rf",
  "--",
  "../..",
  "/*",
  "%s%n",
  "\\0",
  "\\c",
  "!!",
  "~root",
  "{a,b}",
  "\u00a0",
  "\u2028",
  "\u202e",
  "\ufeff",
  "😀",
  "👩‍🚀",
  "é",
  "e\u0301",
  "日本語",
];

const piece = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...HOSTILE) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 8 }) },
  { weight: 1, arbitrary: fc.string({ unit: "grapheme-ascii", maxLength: 8 }) },
);
/** Any text without NUL; fast-check's `binary` unit has every code point but lone surrogates. */
const argument = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join("").replaceAll("\0", ""));

const samples = fc.sample(argument, { numRuns: COUNT, seed });

/** Two thousand jobs a shell; a busy machine takes its time. */
const FOLDERS_LIMIT_MS = 600_000;
/** Names that a folder may have. */
const FOLDERS = [
  ...new Set(
    fc.sample(
      argument.filter((text) => isFileName(text) && text.isWellFormed() && !/^\.{0,2}$/.test(text)),
      {
        numRuns: 3_000,
        seed,
      },
    ),
  ),
].slice(0, 2_000);

function inGroups<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, n) => items.slice(n * size, (n + 1) * size));
}

async function run(shell: string, text: string): Promise<string> {
  const file = join(folder, "commands");
  writeFileSync(file, text);
  const child = Bun.spawn([shell, file], { cwd: folder, env: { HOME: folder, PATH: "/usr/bin:/bin" }, stderr: "pipe" });
  const [bytes, errors] = await Promise.all([new Response(child.stdout).bytes(), new Response(child.stderr).text()]);
  await child.exited;
  expect(errors).toBe("");
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

/** Arguments printed by `printf '%s\0'`. */
function printed(output: string): string[] {
  return output.split("\0").slice(0, -1);
}

function expectSame(actual: readonly string[], wanted: readonly string[]): void {
  // One comparison of all would print all; this names the first that differs.
  const wrong = wanted.findIndex((text, index) => text !== actual[index]);
  if (wrong >= 0)
    expect({ seed, index: wrong, text: actual[wrong] }).toEqual({ seed, index: wrong, text: wanted[wrong] });
  expect(actual.length).toBe(wanted.length);
}

afterEach(() => expect(existsSync(canary)).toBe(false));
afterAll(() => rmSync(folder, { recursive: true }));

test("the generated strings are many, and hostile", () => {
  expect(samples.length).toBeGreaterThanOrEqual(2_000);
  expect(FOLDERS.length).toBe(2_000);
  expect(samples.filter((text) => /['"`$;\n]/.test(text)).length).toBeGreaterThan(COUNT / 4);
  expect(samples.filter((text) => text.includes(canary)).length).toBeGreaterThan(COUNT / 20);
});

for (const { name, path, available } of SHELLS.filter((shell) => !shell.name.startsWith("busybox"))) {
  requirement(
    `quoting in ${name}`,
    available,
    `${path} is not installed`,
  )(`quoting in ${name}`, () => {
    test("command: each string comes out as the one argument that it was", async () => {
      const groups = inGroups(samples, 8);
      const lines = groups.map((group) => `${command(["printf", "%s\\0", ...group])}\n`);
      expectSame(printed(await run(path, lines.join(""))), samples);
    });

    test("command: a path below the home folder keeps its rest as it is", async () => {
      const lines = samples.map((text) => `${command(["printf", "%s\\0", remotePath(`~/${text}`)])}\n`);
      const wanted = samples.map((text) => (text === "" ? `${folder}/` : `${folder}/${text}`));
      const actual = printed(await run(path, lines.join("")));
      expectSame(
        actual.map((text) => (text === folder ? `${folder}/` : text)),
        wanted,
      );
    });

    test("script: each string is a positional argument of the script, and its text stays as it is", async () => {
      const groups = inGroups(samples, 40);
      const text = `# it's "quoted" \`here\` $(and there)\nprintf '%s\\0' "$@"\n`;
      const lines = groups.map((group) => `${script("spark-test", text, group)}\n`);
      expectSame(printed(await run(path, lines.join(""))), samples);
    });

    test("batch: each command's output stays inside its own answer", async () => {
      const nonce = "0123456789abcdef";
      const lines = inGroups(samples, 60).map((group) => {
        const commands = group.map((text) => command(["printf", "%s\\0", text]));
        return `${batch(commands, nonce)}\n`;
      });
      const answers = parseBatch(await run(path, lines.join("")), nonce);
      expect(answers.every((answer) => answer.exitCode === 0)).toBe(true);
      expectSame(
        answers.map((answer) => answer.output),
        samples.map((text) => `${text}\0`),
      );
    });

    let shell: LocalShell;
    beforeEach(() => {
      shell = localShell(path);
    });
    afterEach(() => shell.remove());

    test("arguments that a script joins and parses again: quoted twice, they come out as they were", async () => {
      const lines = inGroups(samples, 8).map((group) => {
        const joined = ["printf", "%s\\0", ...group].map(quote).join(" ");
        return `${command([path, "-c", joined])}\n`;
      });
      expectSame(printed(await run(path, lines.join(""))), samples);
    });

    test(
      "job start: each string as its folder, a few at a time",
      async () => {
        const jobs = createDetachedJobs(shell.ssh);
        const instance = "0193b0a0-0000-7000-8000-000000000001";
        const collected = join(folder, `folders-${name}`);
        const note = 'printf "%s\\0" "$PWD" >>"$1"';
        for (const folderName of FOLDERS) mkdirSync(join(shell.home, folderName), { recursive: true });
        for (const [number, group] of inGroups(FOLDERS, 25).entries())
          await Promise.all(
            group.map((folderName, index) => {
              const argv = ["sh", "-c", note, "sh", collected];
              const job = {
                id: `job-${String(number * 25 + index).padStart(5, "0")}`,
                generation: 1,
                instance,
                argv,
                env: {},
                cwd: `~/${folderName}`,
              };
              return jobs.start(shell.target, job, { deadlineMs: 60_000 });
            }),
          );
        const seen = () => printed(existsSync(collected) ? readFileSync(collected, "utf8") : "");
        await until("every job has noted its folder", () => Promise.resolve(seen().length >= FOLDERS.length));
        expectSame(seen().sort(), FOLDERS.map((folderName) => join(shell.home, folderName)).sort());
      },
      FOLDERS_LIMIT_MS,
    );

    test("job start: argv, environment and folder reach the process as they were", async () => {
      const jobs = createDetachedJobs(shell.ssh);
      const within = { deadlineMs: 60_000 };
      const show = 'printf "%s\\0" "$PWD" "$@"; env -0';
      for (const [number, group] of inGroups(samples, 120).entries()) {
        const folderName = `${number} ${group.find((text) => text.length > 3 && isFileName(text)) ?? "plain"}`;
        mkdirSync(join(shell.home, folderName));
        const env = Object.fromEntries(group.map((value, index) => [`VALUE_${index}`, value]));
        const id = `job-${number}`;
        const argv = ["sh", "-c", show, "sh", ...group];
        const instance = "0193b0a0-0000-7000-8000-000000000001";
        await jobs.start(shell.target, { id, generation: 1, instance, argv, env, cwd: `~/${folderName}` }, within);
        let output = "";
        await until("the job has ended", async () => {
          const reading = await jobs.read(shell.target, id, { ...within, offset: 0, maxBytes: 4_000_000 });
          output = new TextDecoder("utf-8", { ignoreBOM: true }).decode(reading.chunk);
          return reading.state === "exited";
        });
        const [pwd, ...rest] = printed(output);
        expect(pwd).toBe(join(shell.home, folderName));
        expectSame(rest.slice(0, group.length), group);
        const seen = new Map(
          rest.slice(group.length).map((line) => [line.split("=", 1)[0], line.replace(/^[^=]*=/, "")]),
        );
        expectSame(
          group.map((_, index) => seen.get(`VALUE_${index}`) ?? "missing"),
          group,
        );
      }
    });
  });
}

function isFileName(text: string): boolean {
  return !text.includes("/") && Buffer.byteLength(text) < 200;
}

test("NUL is refused, whatever the way in", () => {
  expect(() => command(["echo", "a\0b"])).toThrow("NUL");
  expect(() => command(["echo", remotePath("~/a\0b")])).toThrow("NUL");
  expect(() => script("x", "true", ["a\0b"])).toThrow("NUL");
});
