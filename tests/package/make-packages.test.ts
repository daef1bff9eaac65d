/** `make` in startos/ with the SDK's own plumbing: what is packed, again and again, and what start-cli is told. Its tools are stand-ins. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { must, run } from "../lab/command.ts";
import { requirement } from "../support/requirements.ts";
import { installStartos, type StartosPackage } from "./_startos.ts";

setDefaultTimeout(60_000);
const INSTALL_LIMIT_MS = 300_000;
const ROOT = join(import.meta.dir, "../..");
const PLUMBING = "node_modules/@start9labs/start-sdk/s9pk.mk";
const PACKAGES = ["spark-control_x86_64.s9pk", "spark-control_aarch64.s9pk"];

/** Packs what it is told of its image's build arguments; ends with 1 where a file `broken` lies. */
const START_CLI = `
case "$1 $2" in
  "s9pk list-ingredients") echo "javascript/index.js LICENSE";;
  "s9pk pack")
    echo "$*" >> called
    [ -e broken ] && exit 1
    while [ "$1" != -o ]; do shift; done
    echo "revision=$REVISION" > "$2";;
  "s9pk inspect") echo "{}";;
esac`;
const NPM = 'mkdir -p javascript && [ "$*" != "run build" ] || echo > javascript/index.js';

requirement(
  "make in startos/",
  ["make", "node", "npm", "git", "awk"].every((name) => Bun.which(name) !== null),
  "make, Node.js, git or awk is not installed (apt-get install make nodejs npm git mawk)",
)("make in startos/", () => {
  let startos: StartosPackage;
  beforeAll(async () => {
    startos = await installStartos();
  }, INSTALL_LIMIT_MS);
  afterAll(() => startos?.close());

  let folder: string;
  const at = (name: string) => join(folder, "startos", name);
  const git = (...words: string[]) =>
    must(["git", "-C", folder, "-c", "user.name=alice", "-c", "user.email=alice@example.com", ...words]);
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "spark-make-"));
    for (const part of [
      "package.json",
      "LICENSE",
      ...["Makefile", "LICENSE", "startos/manifest/index.ts"].map((name) => `startos/${name}`),
    ]) {
      mkdirSync(dirname(join(folder, part)), { recursive: true });
      cpSync(join(ROOT, part), join(folder, part));
    }
    for (const name of ["package.json", "package-lock.json", "tsconfig.json"]) writeFileSync(at(name), "{}");
    // The plumbing alone: the lint is not what is tested here.
    mkdirSync(at(dirname(PLUMBING)), { recursive: true });
    cpSync(join(startos.folder, PLUMBING), at(PLUMBING));
    for (const [name, script] of Object.entries({ "start-cli": START_CLI, npm: NPM, jq: "echo {}" })) {
      mkdirSync(join(folder, "bin"), { recursive: true });
      writeFileSync(join(folder, "bin", name), `#!/bin/sh\n${script}\n`);
      chmodSync(join(folder, "bin", name), 0o755);
    }
    await git("init", "-q");
    await git("add", "package.json", "startos/Makefile");
    await git("commit", "-q", "-m", "a release");
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const make = (...words: string[]) =>
    run(["make", ...words], {
      cwd: join(folder, "startos"),
      env: { ...(process.env as Record<string, string>), PATH: `${join(folder, "bin")}:${process.env.PATH}` },
    });
  const there = () => PACKAGES.filter((name) => existsSync(at(name)));
  const packed = () => (existsSync(at("called")) ? readFileSync(at("called"), "utf8").split("\n").length - 1 : 0);

  for (const [goal, wanted] of [
    [[], PACKAGES],
    [["-j4"], PACKAGES],
    [["x86"], [PACKAGES[0]!]],
    [["arm"], [PACKAGES[1]!]],
    [["aarch64"], [PACKAGES[1]!]],
  ] as const)
    test(`make ${goal.join(" ")}, again and again, with nothing changed: each time packed anew, and all of it is there`, async () => {
      for (let round = 1; round <= 3; round++) {
        expect((await make(...goal)).exitCode).toBe(0);
        expect([there(), packed()]).toEqual([[...wanted], wanted.length * round]);
      }
    });

  test("one after the other: the second leaves the first", async () => {
    for (const goal of ["x86", "arm"]) expect((await make(goal)).exitCode).toBe(0);

    expect(there()).toEqual(PACKAGES);
  });

  test("where packing fails, no package of an earlier build is left to be taken for this one's", async () => {
    await make("x86");
    writeFileSync(at("broken"), "");

    expect((await make("x86")).exitCode).not.toBe(0);
    expect(there()).toEqual([]);
  });

  test("start-cli is told which commit it is, and that it was changed", async () => {
    const commit = (await git("rev-parse", "HEAD")).trim();
    await make("x86");
    expect(readFileSync(at(PACKAGES[0]!), "utf8")).toBe(`revision=${commit}\n`);

    writeFileSync(join(folder, "package.json"), `${readFileSync(join(folder, "package.json"), "utf8")}\n`);
    await make("x86");
    expect(readFileSync(at(PACKAGES[0]!), "utf8")).toBe(`revision=${commit}-modified\n`);
  });
});
