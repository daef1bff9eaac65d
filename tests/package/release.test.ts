/** A release against a Gitea that enforces its tokens, breaks off uploads, and names files by a host that nobody knows. */
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Gitea, GiteaError, giteaPlace, hereOf } from "../../release/gitea.ts";
import { isMarked, notesOf } from "../../release/notes.ts";
import { type Publication, publish, releaseFile } from "../../release/publish.ts";
import { expectedFiles, tagOf } from "../../release/release.ts";
import { example } from "../docs/_examples.ts";
import { run } from "../lab/command.ts";
import { type FakeGitea, MAIN_COMMIT, READ_TOKEN, REPOSITORY, startGitea, WRITE_TOKEN } from "./_gitea.ts";

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
  return {
    tag: TAG,
    name: "Spark Control 1.2.3",
    notes: "- new",
    commit: MAIN_COMMIT,
    files: await Promise.all(files),
  };
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
    // Each file, and after each of them the checksums of what is whole.
    expect(uploads).toEqual(["POST", "POST", "POST", "POST", "PATCH"]);
    expect(gitea.tags.get(TAG)).toBe(MAIN_COMMIT);
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

  const breakOff = async () => {
    gitea.cutUploads("spark-control-client-1.2.3.tgz");
    await failure(published());
    gitea.cutUploads(null);
    const at = gitea.releases[0]!.assets.findIndex(({ name }) => name === "spark-control-client-1.2.3.tgz");
    return { assets: gitea.releases[0]!.assets, at };
  };

  test("a file of the right size that nobody has said to be whole is sent again", async () => {
    const { assets, at } = await breakOff();
    assets[at] = { ...assets[at]!, bytes: new TextEncoder().encode("cliEnt") };

    expect(await published()).toContain("spark-control-client-1.2.3.tgz: replaced, 0.0 MB");
    expect(stored()).toMatchObject(FILES);
  });

  test.each([
    ["gone", () => null],
    ["cut", (text: string) => text.slice(0, 40)],
    ["of another file", (text: string) => text.replace(/^./, (digit) => (digit === "0" ? "1" : "0"))],
  ])("a draft whose checksums are %s: every file is sent again", async (_, change) => {
    const { assets } = await breakOff();
    const sums = assets.findIndex(({ name }) => name === "SHA256SUMS");
    const text = change(new TextDecoder().decode(assets[sums]!.bytes));
    if (text === null) assets.splice(sums, 1);
    else assets[sums] = { ...assets[sums]!, bytes: new TextEncoder().encode(text) };

    const said = await published();
    expect(said.filter((line) => line.includes("replaced"))).toHaveLength(2);
    expect(stored()).toMatchObject(FILES);
  });

  test("a file that is there twice is sent again, and is there once", async () => {
    const { assets } = await breakOff();
    assets.push({ ...assets.find(({ name }) => name.endsWith("s9pk"))!, id: 999 });

    expect(await published()).toContain("spark-control_x86_64.s9pk: replaced, 0.3 MB");
    expect(assets.map(({ name }) => name).sort()).toEqual(["SHA256SUMS", ...Object.keys(FILES)].sort());
  });

  test.each(["SHA256SUMS", "photo.png"])(
    "%s twice: the next run takes one away, and what was whole is not sent again",
    async (twice) => {
      const { assets } = await breakOff();
      assets.push({ id: 997, name: "photo.png", bytes: new Uint8Array(3) });
      assets.push({ ...assets.find(({ name }) => name === twice)!, id: 999 });

      expect(await published()).toContain("spark-control_x86_64.s9pk: is there");
      expect(assets.map(({ name }) => name).sort()).toEqual(["SHA256SUMS", "photo.png", ...Object.keys(FILES)].sort());
      expect(stored()).toMatchObject(FILES);
      expect((await published())[0]).toContain("published already");
    },
  );

  test("a draft that somebody has begun, with a file of his: it is gone on with, and his file stays", async () => {
    await client().create(TAG, "by hand", "");
    gitea.releases[0]!.assets.push({ id: 998, name: "photo.png", bytes: new Uint8Array(3) });

    expect((await published())[0]).toBe(`${TAG}: going on with the draft`);
    expect(gitea.releases).toMatchObject([{ draft: false }]);
    expect(Object.keys(stored())).toContain("photo.png");
  });

  test("a tag that is there: on this commit it is used, on another one nothing is done", async () => {
    const other = "b".repeat(40);
    gitea.commits.add(other);
    gitea.tags.set(TAG, other);
    for (const dryRun of [true, false]) {
      const error = await failure(published(FILES, { dryRun }));
      expect(error?.message).toContain("bbbbbbbbbbbb; this is aaaaaaaaaaaa");
    }
    expect(gitea.releases).toEqual([]);

    gitea.tags.set(TAG, MAIN_COMMIT);
    expect((await published()).at(-1)).toBe(`${TAG} is published`);
  });

  test("a commit that was not pushed: told, and nothing is done", async () => {
    gitea.commits.clear();

    expect((await failure(published()))?.message).toContain("Push it first");
    expect(gitea.releases).toEqual([]);
  });

  test("all of it through an address with a path, where Gitea names files by another host", async () => {
    const { port } = new URL(gitea.url);
    const outside = Bun.serve({
      port: 0,
      async fetch(request) {
        const { pathname, search } = new URL(request.url);
        if (!pathname.startsWith("/git/")) return new Response("outside", { status: 404 });
        const body = request.method === "GET" ? {} : { body: await request.arrayBuffer() };
        const headers = new Headers(request.headers);
        headers.delete("host");
        return fetch(`http://127.0.0.1:${port}${pathname.slice(4)}${search}`, {
          method: request.method,
          headers,
          ...body,
        });
      },
    });
    try {
      const away = new Gitea({
        url: `http://127.0.0.1:${outside.port}/git`,
        repository: REPOSITORY,
        token: WRITE_TOKEN,
      });
      await publish(away, await publication(FILES), { say: () => undefined });
      const said: string[] = [];
      await publish(away, await publication(FILES), { say: (line) => said.push(line) });
      expect(said).toEqual([`${TAG} is published already, with the same files.`]);
    } finally {
      await outside.stop(true);
    }
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
    const attached = "attachments/00000000-0000-4000-8000-000000000001";
    expect(hereOf(`http://git.lan.invalid:3000/sub/${attached}`, place)).toBe(
      `https://git.example.com/gitea/${attached}`,
    );
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
    [{ GITEA_URL: "http://alice:pw@g", GITEA_REPOSITORY: "a/b", GITEA_TOKEN: "t" }, "login"],
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
    expect(notesOf(changelog, "1.1.0:0", true)).toBe("- b");
    expect(["1.1.0:0", "1.0.0:0", "1.0.0"].map((version) => isMarked(changelog, version))).toEqual([
      true,
      false,
      false,
    ]);
    expect(() => notesOf(changelog, "1.0.0")).toThrow("no entry");
    expect(() => notesOf(changelog, "3.0.0:0")).toThrow("no entry");
  });
});

describe("the adopter's command of docs/guides/packaging.md", () => {
  const script = example("docs/guides/packaging.md", "sh", "download");
  const download = async (token: string, shell = "bash", url = gitea.url) => {
    const into = join(folder, "download");
    mkdirSync(into, { recursive: true });
    const env = { PATH: process.env.PATH ?? "", GITEA_URL: url, GITEA_REPOSITORY: REPOSITORY, GITEA_TOKEN: token };
    return { into, ...(await run([shell, "-c", script], { cwd: into, env })) };
  };
  const filesOf = (into: string) =>
    Object.fromEntries(readdirSync(into).map((name) => [name, readFileSync(join(into, name), "utf8")]));

  test.each(["bash", "sh"])(
    "in %s: gets and checks every file of the latest release, with a token that only reads",
    async (shell) => {
      await published();
      const { into, exitCode, stdout } = await download(READ_TOKEN, shell);

      expect(stdout).toContain("spark-control-client-1.2.3.tgz: OK");
      expect(exitCode).toBe(0);
      expect(filesOf(into)).toEqual(stored());
    },
  );

  test("with a slash behind the address: all the same, and what SHA256SUMS does not name stays away", async () => {
    await published();
    const before = stored();
    gitea.releases[0]!.assets.push({ id: 998, name: "photo.png", bytes: new Uint8Array(3) });
    const { into, exitCode } = await download(READ_TOKEN, "sh", `${gitea.url}//`);

    expect(exitCode).toBe(0);
    expect(filesOf(into)).toEqual(before);
  });

  test("again, over an earlier download: the files are those of the release", async () => {
    await published();
    const { into } = await download(READ_TOKEN);
    writeFileSync(join(into, "spark-control-client-1.2.3.tgz"), "old");
    writeFileSync(join(into, "mine.txt"), "mine");

    expect((await download(READ_TOKEN)).exitCode).toBe(0);
    expect(filesOf(into)).toEqual({ ...stored(), "mine.txt": "mine" });
  });

  const spoilt = { bytes: new TextEncoder().encode("cliEnt") };
  test.each([
    ["a wrong token", "another", () => undefined, "check GITEA_URL, GITEA_REPOSITORY and GITEA_TOKEN"],
    ["no release", READ_TOKEN, () => gitea.releases.splice(0), "No release was found"],
    ["a file that is not what its sum says", READ_TOKEN, () => change("tgz", spoilt), "not what SHA256SUMS says"],
    ["no checksums", READ_TOKEN, () => change("SUMS", null), "not what SHA256SUMS says"],
    ["a file that is not sent", READ_TOKEN, () => gitea.refuseDownloads("client"), "was not sent whole"],
    ["a release without files", READ_TOKEN, () => gitea.releases[0]!.assets.splice(0), "not what SHA256SUMS says"],
  ])("with %s over an earlier download: fails, says why, changes nothing", async (_, token, break_, message) => {
    await published();
    const { into } = await download(READ_TOKEN);
    const before = filesOf(into);
    break_();
    for (const shell of ["bash", "sh"]) {
      const { exitCode, stderr } = await download(token, shell);
      expect(exitCode).toBe(1);
      expect(stderr).toContain(message);
      expect(stderr).toContain("Nothing was changed here");
      expect(stderr).not.toContain(token);
      expect(filesOf(into)).toEqual(before);
    }
  });

  test("with an address where nothing answers", async () => {
    const { into, exitCode, stderr } = await download(READ_TOKEN, "sh", "http://127.0.0.1:1");

    expect([exitCode, readdirSync(into)]).toEqual([1, []]);
    expect(stderr).toContain("No release was found");
  });

  /** Of the asset whose name ends so. */
  function change(end: string, to: { bytes: Uint8Array } | null): void {
    const { assets } = gitea.releases[0]!;
    const at = assets.findIndex(({ name }) => name.endsWith(end));
    assets.splice(at, 1, ...(to === null ? [] : [{ ...assets[at]!, ...to }]));
  }
});
