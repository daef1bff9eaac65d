/** A release against a Gitea that enforces its tokens, breaks off uploads, and names files by a host that nobody knows. */
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Gitea, GiteaError, giteaPlace, hereOf } from "../../release/gitea.ts";
import { type Publication, publish, releaseFile } from "../../release/publish.ts";
import { expectedFiles, notesOf, tagOf } from "../../release/release.ts";
import { example } from "../docs/_examples.ts";
import { run } from "../lab/command.ts";
import { type FakeGitea, READ_TOKEN, REPOSITORY, startGitea, WRITE_TOKEN } from "./_gitea.ts";

setDefaultTimeout(60_000);

const TAG = "v1.2.3-4";
let gitea: FakeGitea;
let folder: string;
beforeEach(() => {
  gitea = startGitea();
  folder = mkdtempSync(join(tmpdir(), "spark-release-"));
});
afterEach(async () => {
  await gitea.close();
  rmSync(folder, { recursive: true, force: true });
});

const client = (token = WRITE_TOKEN) => new Gitea({ url: gitea.url, repository: REPOSITORY, token });

async function publication(texts: Record<string, string>): Promise<Publication> {
  const files = Object.entries(texts).map(([name, text]) => {
    writeFileSync(join(folder, name), text);
    return releaseFile(join(folder, name));
  });
  return { tag: TAG, name: "Spark Control 1.2.3", notes: "- new", files: await Promise.all(files) };
}

const FILES = { "spark-control_x86_64.s9pk": "x".repeat(300_000), "spark-control-client-1.2.3.tgz": "client" };

/** @returns what it said */
async function published(
  texts: Record<string, string> = FILES,
  { dryRun = false, token = WRITE_TOKEN } = {},
): Promise<string[]> {
  const said: string[] = [];
  await publish(client(token), await publication(texts), { dryRun, say: (line) => said.push(line) });
  return said;
}
const failure = (attempt: Promise<unknown>) =>
  attempt.then(
    () => null,
    (error: Error) => error,
  );
const stored = () =>
  Object.fromEntries(gitea.releases[0]?.assets.map(({ name, bytes }) => [name, new TextDecoder().decode(bytes)]) ?? []);

describe("publish", () => {
  test("files and their checksums; visible only once everything is there", async () => {
    await published();

    expect(gitea.releases).toMatchObject([{ tag_name: TAG, draft: false, body: "- new" }]);
    expect(stored()).toMatchObject(FILES);
    const sums = stored().SHA256SUMS!.trim().split("\n");
    expect(sums.map((line) => line.slice(66))).toEqual(Object.keys(FILES).sort());
    const uploads = gitea.asked.filter((one) => /POST .*assets|PATCH/.test(one)).map((one) => one.split(" ")[0]);
    expect(uploads).toEqual(["POST", "POST", "POST", "PATCH"]);
  });

  test("again: nothing is sent, nothing changes", async () => {
    await published();
    gitea.asked.length = 0;

    expect(await published()).toEqual([`${TAG} is published already, with the same files.`]);
    expect(gitea.asked.filter((one) => !one.startsWith("GET "))).toEqual([]);
  });

  test("again with other files: refused, because what is published does not change", async () => {
    await published();
    const before = stored();

    expect((await failure(published({ ...FILES, "spark-control-client-1.2.3.tgz": "cliEnt" })))?.message).toContain(
      "bump",
    );
    expect(stored()).toEqual(before);
  });

  test("an upload that breaks off: not visible, and run again it replaces the half file and keeps the whole one", async () => {
    gitea.cutUploads("spark-control-client-1.2.3.tgz");
    const error = await failure(published());
    expect(error).toBeInstanceOf(GiteaError);
    expect(error?.message).toContain("Run it again");
    expect(gitea.releases[0]?.draft).toBe(true);
    expect(await client(READ_TOKEN).release(TAG)).toBeNull();

    gitea.cutUploads(null);
    const said = await published();
    expect(gitea.releases[0]?.assets.map(({ name }) => name).sort()).toEqual(
      ["SHA256SUMS", ...Object.keys(FILES)].sort(),
    );
    expect(said).toEqual([
      `${TAG}: going on with the draft`,
      "spark-control_x86_64.s9pk: is there",
      "spark-control-client-1.2.3.tgz: replaced, 0.0 MB",
      "SHA256SUMS: of 2 files",
      `${TAG} is published`,
    ]);
    expect(stored()).toMatchObject(FILES);
    expect(gitea.releases).toHaveLength(1);
  });

  test.each([
    ["wrong", "another"],
    ["one that only reads", READ_TOKEN],
  ])("a token that is %s: told, not shown", async (_, token) => {
    const error = await failure(published(FILES, { token }));

    expect(error?.message).toContain("GITEA_TOKEN");
    expect(error?.message).not.toContain(token);
    expect(gitea.releases).toEqual([]);
  });

  test("a dry run asks only", async () => {
    const said = await published(FILES, { dryRun: true });

    expect(said.at(-1)).toBe("dry run: nothing was changed");
    expect(gitea.asked.every((one) => one.startsWith("GET "))).toBe(true);
    expect(gitea.releases).toEqual([]);
  });

  test("a release on a later page is found", async () => {
    for (let number = 0; number < 60; number++) await client().create(`v0.0.${number}-0`, "old", "");
    await published();
    for (let number = 60; number < 120; number++) await client().create(`v0.0.${number}-0`, "old", "");

    expect((await published())[0]).toContain("is published already");
  });
});

describe("where it goes", () => {
  test("an address of Gitea's own network becomes one of the address that was used", () => {
    const place = { url: "https://git.example.com/gitea", repository: REPOSITORY };
    const path = `${REPOSITORY}/releases/download/${TAG}/x.tgz`;
    expect(hereOf(`http://git.lan.invalid:3000/${path}`, place)).toBe(`https://git.example.com/gitea/${path}`);
    expect(hereOf(`http://git.lan.invalid:3000/sub/${path}`, place)).toBe(`https://git.example.com/gitea/${path}`);
    expect(() => hereOf("http://git.lan.invalid/other/repo/releases/download/v1/x", place)).toThrow(GiteaError);
  });

  test("a redirect is not followed: the token would go along", async () => {
    const seen: (string | null)[] = [];
    const thief = Bun.serve({
      port: 0,
      fetch(request) {
        seen.push(request.headers.get("authorization"));
        return Response.json([]);
      },
    });
    const bouncer = Bun.serve({ port: 0, fetch: () => Response.redirect(`http://127.0.0.1:${thief.port}/`, 302) });
    try {
      const place = { url: `http://127.0.0.1:${bouncer.port}`, repository: REPOSITORY, token: WRITE_TOKEN };
      expect((await failure(new Gitea(place).release(TAG)))?.message).toContain("302");
      expect(seen).toEqual([]);
    } finally {
      await Promise.all([thief.stop(true), bouncer.stop(true)]);
    }
  });

  test.each([
    [{}, "GITEA_URL"],
    [{ GITEA_URL: "git", GITEA_REPOSITORY: "a/b", GITEA_TOKEN: "t" }, "not an http address"],
    [{ GITEA_URL: "http://g", GITEA_REPOSITORY: "a/../b", GITEA_TOKEN: "t" }, "owner/name"],
    [{ GITEA_URL: "http://g", GITEA_REPOSITORY: "a/b", GITEA_TOKEN: " " }, "GITEA_TOKEN"],
  ])("settings that cannot be meant: %j", (env, word) => {
    expect(() => giteaPlace(env)).toThrow(word);
  });
});

describe("what is published", () => {
  test("names and notes", () => {
    expect(tagOf("1.2.3:4")).toBe("v1.2.3-4");
    expect(expectedFiles("1.2.3:4").images[0]).toBe("spark-control-image-1.2.3-4-amd64.tar");
    const changelog = "# C\n\n## 1.1.0:0 (not released)\n\n- b\n\n## 1.0.0:0\n\n- a\n  more\n\n## 0.9.0:0\n\n- z\n";
    expect(notesOf(changelog, "1.0.0:0")).toBe("- a\n  more");
    expect(() => notesOf(changelog, "1.1.0:0")).toThrow("not released");
    expect(() => notesOf(changelog, "3.0.0:0")).toThrow("no entry");
  });
});

describe("the adopter's command of docs/guides/packaging.md", () => {
  const download = async (token: string) => {
    const into = join(folder, `download-${token}`);
    mkdirSync(into);
    const env = {
      PATH: process.env.PATH ?? "",
      GITEA_URL: gitea.url,
      GITEA_REPOSITORY: REPOSITORY,
      GITEA_TOKEN: token,
    };
    const script = example("docs/guides/packaging.md", "sh", "download");
    return { into, ...(await run(["bash", "-c", script], { cwd: into, env })) };
  };

  test("gets and checks every file of the latest release with a token that only reads", async () => {
    await published();
    const { into, exitCode, stdout } = await download(READ_TOKEN);

    expect(stdout).toContain("spark-control-client-1.2.3.tgz: OK");
    expect(exitCode).toBe(0);
    expect(readdirSync(into).sort()).toEqual(["SHA256SUMS", ...Object.keys(FILES)].sort());
    for (const [name, text] of Object.entries(FILES)) expect(readFileSync(join(into, name), "utf8")).toBe(text);
  });

  test("fails with a wrong token, and when a file is not what its sum says", async () => {
    await published();
    expect((await download("another")).exitCode).not.toBe(0);
    const at = gitea.releases[0]!.assets.findIndex(({ name }) => name.endsWith(".tgz"));
    gitea.releases[0]!.assets[at] = { ...gitea.releases[0]!.assets[at]!, bytes: new TextEncoder().encode("cliEnt") };
    expect((await download(READ_TOKEN)).exitCode).not.toBe(0);
  });
});
