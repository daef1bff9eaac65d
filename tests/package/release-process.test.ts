/** `bun run release` as a process: what it says, with which code it ends, and what it leaves behind. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CURRENT_NOTES, PREVIOUS_NOTES } from "../../release/notes.ts";
import { expectedFiles, tagOf } from "../../release/release.ts";
import { VERSION } from "../../routes/_version.ts";
import { type Output, run } from "../lab/command.ts";
import { type Checkout, makeCheckout } from "./_checkout.ts";
import { type FakeGitea, READ_TOKEN, REPOSITORY, startGitea, WRITE_TOKEN } from "./_gitea.ts";
import { imageTar } from "./_image-tar.ts";
import { type Noble, packS9pk } from "./_s9pk.ts";

setDefaultTimeout(120_000);

const RELEASED = `# Changelog\n\n## ${VERSION}\n\n- All of it\n`;
const { packages, images } = expectedFiles(VERSION);
const BUILT = [...packages.map((name) => `startos/${name}`), ...images.map((name) => `dist/release/${name}`)];
const VERSION_LABEL = "org.opencontainers.image.version";
const TARBALL = /^spark-control-client-.*\.tgz$/;

/** Nobody looks at its sums here. */
const UNSIGNED: Noble = {
  blake3: () => new Uint8Array(32),
  ed25519ph: { sign: () => new Uint8Array(64), getPublicKey: () => new Uint8Array(32) },
};
const packageOf = (manifest: object) => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  return packS9pk({ assets: { x: bytes("x") }, "manifest.json": bytes(JSON.stringify(manifest)) }, UNSIGNED).bytes;
};
const imageOf = (version: string, revision?: string) =>
  imageTar({
    [VERSION_LABEL]: version,
    ...(revision === undefined ? {} : { "org.opencontainers.image.revision": revision }),
  });
const contentOf = (path: string) =>
  path.endsWith(".s9pk") ? packageOf({ id: "spark-control", version: VERSION, gitHash: null }) : imageOf(VERSION, "");

let checkout: Checkout;
/** Built in a repository of git's a package and an image say their commit; those that were built without say none. */
const ofThisCommit = () => {
  writeFileSync(join(checkout.folder, BUILT[1]!), packageOf({ version: VERSION, gitHash: checkout.commit }));
  writeFileSync(join(checkout.folder, BUILT[3]!), imageOf(VERSION, checkout.commit));
};
beforeAll(async () => {
  checkout = await makeCheckout({
    "CHANGELOG.md": RELEASED,
    ...Object.fromEntries(BUILT.map((path) => [path, contentOf(path)])),
  });
  ofThisCommit();
});
afterAll(() => checkout.remove());

let gitea: FakeGitea;
beforeEach(() => {
  gitea = startGitea();
  gitea.commits.add(checkout.commit);
  writeFileSync(join(checkout.folder, "CHANGELOG.md"), RELEASED);
});
afterEach(() => gitea.close());

interface Asked {
  readonly flags?: readonly string[];
  readonly env?: Record<string, string>;
  readonly token?: string;
}

/** No token is in what it says, whatever happens. */
async function release({ flags = [], env = {}, token = WRITE_TOKEN }: Asked = {}): Promise<Output> {
  const place = { GITEA_URL: gitea.url, GITEA_REPOSITORY: REPOSITORY, GITEA_TOKEN: token, ...env };
  const output = await run([process.execPath, "release/release.ts", ...flags], {
    cwd: checkout.folder,
    env: { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "", TMPDIR: process.env.TMPDIR ?? "/tmp", ...place },
  });
  if (token !== "") expect(output.stdout + output.stderr).not.toContain(token);
  expect(output.stderr).not.toContain("    at ");
  return output;
}
const refusal = async (asked: Asked) => {
  const { exitCode, stdout, stderr } = await release(asked);
  expect([exitCode, stdout]).toEqual([1, ""]);
  return stderr.trim();
};
/** Everything in the checkout that a release could leave behind. */
const here = () => ["dist/release", "startos"].flatMap((folder) => readdirSync(join(checkout.folder, folder)));
const changes = () => gitea.asked.filter((one) => !one.startsWith("GET "));
const mark = () =>
  writeFileSync(join(checkout.folder, "CHANGELOG.md"), RELEASED.replace(VERSION, `${VERSION} (not released)`));

describe("refused before anything is asked or built", () => {
  test.each(["GITEA_URL", "GITEA_REPOSITORY", "GITEA_TOKEN"])("without %s", async (name) => {
    expect(await refusal({ env: { [name]: "" }, ...(name === "GITEA_TOKEN" ? { token: "" } : {}) })).toBe(
      `Set ${name}.`,
    );
    expect(gitea.asked).toEqual([]);
  });

  test("an address that is none, one with a login, and an argument that is not known", async () => {
    expect(await refusal({ env: { GITEA_URL: "git.example.com" } })).toContain("not an http address");
    expect(await refusal({ env: { GITEA_URL: "http://alice:hidden@git.example.com" } })).not.toContain("hidden");
    expect(await refusal({ flags: ["--dryrun"] })).toBe("Unknown argument --dryrun. Known: --dry-run, --partial.");
    expect(gitea.asked).toEqual([]);
  });

  test("a version that the changelog marks as not released, and one that it does not have", async () => {
    mark();
    expect(await refusal({})).toContain(`marks ${VERSION} as (not released)`);
    writeFileSync(join(checkout.folder, "CHANGELOG.md"), "# Changelog\n\n## 0.0.1:0\n");
    expect(await refusal({})).toBe(`CHANGELOG.md has no entry for ${VERSION}.`);
    expect(gitea.asked).toEqual([]);
  });

  test.each([{ flags: [] }, { flags: ["--dry-run"] }])(
    "a changelog without words for the version, and old words for owners ($flags)",
    async ({ flags }) => {
      writeFileSync(join(checkout.folder, "CHANGELOG.md"), RELEASED.replace("- All of it", "- "));
      expect(await refusal({ flags })).toContain(`CHANGELOG.md says nothing of ${VERSION}.`);

      writeFileSync(join(checkout.folder, "CHANGELOG.md"), `${RELEASED}\n## 0.0.1:0\n\n- Before\n`);
      const previous = join(checkout.folder, PREVIOUS_NOTES);
      const now = readFileSync(join(checkout.folder, CURRENT_NOTES), "utf8");
      writeFileSync(previous, now.replace(VERSION, "0.0.1:0"));
      try {
        expect(await refusal({ flags })).toContain(`${CURRENT_NOTES} still has the notes of 0.0.1:0 in en_US, es_ES`);
        expect(gitea.asked).toEqual([]);
      } finally {
        rmSync(previous);
      }
    },
  );

  test("a package that is missing, unless the rest is wanted", async () => {
    const path = join(checkout.folder, BUILT[0]!);
    const content = readFileSync(path);
    rmSync(path);
    try {
      expect(await refusal({})).toContain(`${packages[0]} missing`);
      expect(gitea.asked).toEqual([]);
      const { exitCode, stdout } = await release({ flags: ["--partial", "--dry-run"] });
      expect(exitCode).toBe(0);
      expect(stdout).not.toContain(packages[0]!);
    } finally {
      writeFileSync(path, content);
    }
  });
});

describe("a package that lies there", () => {
  const path = () => join(checkout.folder, BUILT[1]!);
  const put = (manifest: object) => writeFileSync(path(), packageOf(manifest));
  afterEach(ofThisCommit);

  test.each([{ flags: [] }, { flags: ["--dry-run"] }, { flags: ["--partial"] }])(
    "of another version, of another commit, with changes, or none at all is refused ($flags)",
    async ({ flags }) => {
      const other = "a".repeat(40);
      for (const [manifest, said] of [
        [{ version: "0.0.1:0" }, `${packages[1]} is of 0.0.1:0. Build it again`],
        [{ version: VERSION, gitHash: other }, `${packages[1]} was made of ${other}; this is ${checkout.commit}.`],
        [{ version: VERSION, gitHash: `${checkout.commit}-modified` }, "-modified; this is"],
        [{ id: "spark-control" }, "cannot be read as a package"],
      ] as const) {
        put(manifest);
        expect(await refusal({ flags })).toContain(said);
      }
      const whole = packageOf({ version: VERSION });
      for (const bytes of ["a package of before", whole.subarray(0, 100), whole.subarray(0, 200), ""]) {
        writeFileSync(path(), bytes);
        expect(await refusal({ flags })).toContain(`${packages[1]} cannot be read as a package`);
      }
      expect(gitea.asked).toEqual([]);
    },
  );
});

describe("an image that lies there", () => {
  const path = () => join(checkout.folder, BUILT[3]!);
  afterEach(ofThisCommit);

  test.each([{ flags: [] }, { flags: ["--dry-run"] }, { flags: ["--partial"] }])(
    "of another version, of another commit, with changes, or none at all is refused ($flags)",
    async ({ flags }) => {
      const other = "a".repeat(40);
      const whole = imageOf(VERSION, checkout.commit);
      const unreadable = `${images[1]} cannot be read as an image. Build it again: make images in startos/.`;
      for (const [bytes, said] of [
        [imageOf("0.0.1:0", checkout.commit), `${images[1]} is of 0.0.1:0. Build it again: make images`],
        [imageOf(VERSION, other), `${images[1]} was made of ${other}; this is ${checkout.commit}.`],
        [imageOf(VERSION, `${checkout.commit}-modified`), "-modified; this is"],
        [imageTar({}), unreadable],
        [imageTar({ [VERSION_LABEL]: VERSION }, []), unreadable],
        [whole.subarray(0, 700), unreadable],
        [Buffer.from("an image of before"), unreadable],
        [Buffer.alloc(2048), unreadable],
        [Buffer.alloc(0), unreadable],
      ] as const) {
        writeFileSync(path(), bytes);
        expect(await refusal({ flags })).toContain(said);
      }
      expect(gitea.asked).toEqual([]);
    },
  );
});

test("a file that has been changed since the commit is no part of a release, and a dry run says so", async () => {
  writeFileSync(join(checkout.folder, "CHANGELOG.md"), `${RELEASED}- And this\n`);

  expect(await refusal({})).toStartWith("CHANGELOG.md changed since the commit that is checked out.");
  expect(gitea.asked).toEqual([]);
  // It goes on, to the end that a wrong token makes soon.
  const { stdout, stderr } = await release({ flags: ["--dry-run"], token: "some-other-token" });
  expect(stdout).toEndWith("A release is refused until then.\n");
  expect(stderr).toContain("Gitea refuses GITEA_TOKEN");
});

describe("refused by Gitea", () => {
  test("a token that is wrong", async () => {
    expect(await refusal({ token: "some-other-token" })).toContain("Gitea refuses GITEA_TOKEN");
  });

  test("a token that only reads", async () => {
    const { exitCode, stderr } = await release({ token: READ_TOKEN });

    expect(exitCode).toBe(1);
    expect(stderr).toContain("Gitea refuses GITEA_TOKEN");
    expect(gitea.releases).toEqual([]);
  });

  test("an address where nothing answers", async () => {
    expect(await refusal({ env: { GITEA_URL: "http://127.0.0.1:1" } })).toContain("broke off");
  });

  test("a commit that was not pushed", async () => {
    gitea.commits.delete(checkout.commit);
    expect(await refusal({})).toContain("Push it first");
    expect(changes()).toEqual([]);
  });
});

describe("a dry run", () => {
  test("says what would be done, and writes nothing, there or here", async () => {
    const before = here();
    const { exitCode, stdout, stderr } = await release({ flags: ["--dry-run"] });

    expect([exitCode, stderr]).toEqual([0, ""]);
    const lines = stdout.trim().split("\n");
    expect(lines[0]).toBe(`${tagOf(VERSION)}: a new draft`);
    for (const name of [...packages, ...images]) expect(lines).toContain(`${name}: uploaded, 0.0 MB`);
    expect(stdout).toMatch(/^spark-control-client-.*\.tgz: uploaded/m);
    expect(lines.slice(-2)).toEqual(["SHA256SUMS: of 5 files", "dry run: nothing was changed"]);
    expect(changes()).toEqual([]);
    expect(here()).toEqual(before);
  });

  test("says that the changelog would be in the way, and goes on", async () => {
    mark();
    const { exitCode, stdout } = await release({ flags: ["--dry-run"] });

    expect(exitCode).toBe(0);
    expect(stdout).toStartWith(`CHANGELOG.md marks ${VERSION} as (not released): a release is refused until`);
    expect(stdout).toContain("dry run: nothing was changed");
    expect(changes()).toEqual([]);
  });

  test("with a token that is wrong", async () => {
    expect(await refusal({ flags: ["--dry-run"], token: "some-other-token" })).toContain("Gitea refuses GITEA_TOKEN");
  });
});

test("a release: everything is there, of this commit; again, nothing changes", async () => {
  const { exitCode, stdout, stderr } = await release();

  expect([exitCode, stderr]).toEqual([0, ""]);
  expect(stdout.trim().split("\n").at(-1)).toBe(`${tagOf(VERSION)} is published`);
  expect(gitea.releases).toMatchObject([{ tag_name: tagOf(VERSION), draft: false, body: "- All of it" }]);
  expect(gitea.tags.get(tagOf(VERSION))).toBe(checkout.commit);
  const names = gitea.releases[0]!.assets.map(({ name }) => name);
  expect(names.filter((name) => !TARBALL.test(name)).sort()).toEqual([...packages, ...images, "SHA256SUMS"].sort());
  expect(names.filter((name) => TARBALL.test(name))).toHaveLength(1);
  expect(here().some((name) => TARBALL.test(name))).toBe(true);
  expect(existsSync(join(checkout.folder, "dist/release/client"))).toBe(false);

  gitea.asked.length = 0;
  const again = await release();
  expect([again.exitCode, again.stdout.trim()]).toEqual([
    0,
    `${tagOf(VERSION)} is published already, with the same files.`,
  ]);
  expect(changes()).toEqual([]);
});
