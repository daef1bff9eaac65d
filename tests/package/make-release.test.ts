/** `make` in startos/: with which Bun `make release` goes, what it says where there is none, and what `make images` asks of docker. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must, run } from "../lab/command.ts";
import { requirement } from "../support/requirements.ts";

const ROOT = join(import.meta.dir, "../..");
const { packageManager } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { packageManager: string };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "spark-make-"));
  for (const part of ["startos/Makefile", "package.json"]) cpSync(join(ROOT, part), join(folder, part));
  // What npm installs: its targets are not asked for here.
  mkdirSync(join(folder, "startos/node_modules/@start9labs/start-sdk"), { recursive: true });
  writeFileSync(join(folder, "startos/node_modules/@start9labs/start-sdk/s9pk.mk"), "");
  mkdirSync(join(folder, "bin"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A command that writes down where it was called, and with what. @param code it ends with */
function stub(name: string, code = 0, place = "bin"): string {
  const path = join(folder, place, name);
  mkdirSync(join(folder, place), { recursive: true });
  writeFileSync(path, `#!/bin/sh\necho "$PWD: \${0##*/} $*" >> '${join(folder, "called")}'\nexit ${code}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** Only the tools that are named are on the PATH. */
async function make(tools: readonly string[], goal: string, ...words: string[]) {
  for (const name of tools) {
    const path = Bun.which(name);
    if (path === null) throw new Error(`${name} is not installed`);
    if (!existsSync(join(folder, "bin", name))) symlinkSync(path, join(folder, "bin", name));
  }
  const output = await run(["make", goal, ...words], {
    cwd: join(folder, "startos"),
    env: { PATH: join(folder, "bin") },
  });
  const called = existsSync(join(folder, "called")) ? readFileSync(join(folder, "called"), "utf8") : "";
  return {
    ...output,
    called: called
      .replaceAll(`${folder}: `, "")
      .split("\n")
      .filter((line) => line !== ""),
  };
}

const hasMake = ["make", "node"].every((name) => Bun.which(name) !== null);

requirement(
  "make release",
  hasMake,
  "make or Node.js is not installed (apt-get install make nodejs)",
)("make release", () => {
  test("with a Bun on the PATH: this one, after what it needs is installed", async () => {
    stub("bun");
    stub("npx");
    const { exitCode, called } = await make(["make", "sh", "node"], "release", "RELEASE_ARGS=--dry-run --partial");

    expect(exitCode).toBe(0);
    expect(called).toEqual(["bun run --silent setup", "bun run release --dry-run --partial"]);
  });

  test("without one: npm's, in the version of package.json", async () => {
    stub("npx");
    const { exitCode, called } = await make(["make", "sh", "node"], "release");

    expect(exitCode).toBe(0);
    expect(called).toEqual([
      `npx --yes ${packageManager} run --silent setup`,
      `npx --yes ${packageManager} run release`,
    ]);
  });

  test("with neither: ends, and says what to do", async () => {
    const { exitCode, stderr } = await make(["make", "sh", "node"], "release");

    expect(exitCode).not.toBe(0);
    expect(stderr).toContain("make release needs Bun: install it");
  });

  test("with one that is named", async () => {
    const { exitCode, called } = await make(
      ["make", "sh", "node"],
      "release",
      `BUN=${stub("own-bun", 0, "elsewhere")}`,
    );

    expect(exitCode).toBe(0);
    expect(called.at(-1)).toBe("own-bun run release");
  });

  test("what fails there fails here", async () => {
    stub("bun", 1);
    const { exitCode, called } = await make(["make", "sh", "node"], "release");

    expect(exitCode).not.toBe(0);
    expect(called).toEqual(["bun run --silent setup"]);
  });
});

requirement(
  "make -n",
  hasMake,
  "make or Node.js is not installed (apt-get install make nodejs)",
)("make without doing anything", () => {
  for (const words of [["-n"], ["-q"], ["-ns", "BUN=bun"]])
    test(`make all ${words.join(" ")} installs nothing, and says what it needs first`, async () => {
      rmSync(join(folder, "startos/node_modules"), { recursive: true });
      stub("npm");

      const { exitCode, stderr, called } = await make(["make", "sh", "node"], "all", ...words);

      expect([exitCode, called]).toEqual([2, []]);
      expect(stderr).toContain("npm ci");
    });

  test("make all BUN=nq is no such thing: it installs", async () => {
    rmSync(join(folder, "startos/node_modules"), { recursive: true });
    stub("npm");

    const { called } = await make(["make", "sh", "node"], "all", "BUN=nq");

    expect(called).toEqual([expect.stringMatching(/startos: npm ci$/)]);
  });
});

requirement(
  "make images",
  hasMake && Bun.which("git") !== null,
  "make, Node.js or git is not installed (apt-get install make nodejs git)",
)("make images, without doing it", () => {
  beforeEach(() => rmSync(join(folder, "startos/node_modules"), { recursive: true }));

  /** What npm installs is not there, and nobody installs it. */
  const builds = async (tools: readonly string[], ...words: string[]) => {
    stub("npm");
    const { exitCode, stdout, stderr, called } = await make(["make", "sh", "node", ...tools], "images", "-n", ...words);
    expect([exitCode, stderr, called]).toEqual([0, "", []]);
    return stdout
      .replaceAll("\\\n", "")
      .split("\n")
      .filter((line) => line.includes("docker buildx build"));
  };

  test("the image is told which commit it is of", async () => {
    const git = (...words: string[]) =>
      must(["git", "-C", folder, "-c", "user.name=alice", "-c", "user.email=alice@example.com", ...words]);
    await git("init", "-q");
    await git("commit", "-q", "--allow-empty", "-m", "a release");
    const commit = (await git("rev-parse", "HEAD")).trim();

    expect(commit).toMatch(/^[0-9a-f]{40}$/);
    expect(await builds(["git"])).toEqual([expect.stringContaining(` --build-arg REVISION=${commit} `)]);
  });

  test("bases of one's own are passed on", async () => {
    const base = `registry.example.com/bun@sha256:${"0".repeat(64)}`;
    const [line] = await builds([], `BUILD_IMAGE=${base}-slim`, `RUNTIME_IMAGE=${base}`);

    expect(line).toContain(` --build-arg BUILD_IMAGE=${base}-slim --build-arg RUNTIME_IMAGE=${base} `);
  });

  test.each([
    { where: "without git", tools: [] },
    { where: "in a folder that is no repository", tools: ["git"] },
  ])("$where: it says nothing of one", async ({ tools }) => {
    const lines = await builds(tools);

    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toContain("REVISION");
  });
});
