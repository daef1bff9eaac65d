/** Hugging Face's cache on a Spark: the scripts in real shells, and what is made of their answers. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { listHub, readHub, removeFromHub } from "../../../lib/spark/hub.ts";
import { SparkSsh } from "../../../lib/spark/spark-ssh.ts";
import type { Ssh } from "../../../lib/ssh/ssh.ts";
import { aNode } from "../swap/_fixtures.ts";

let home: string;
const hub = (path: string) => join(home, ".cache/huggingface/hub", path);
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "spark-hub-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const SHELLS = ["sh", "bash", "busybox"].filter((shell) => Bun.which(shell) !== null);
const never = new AbortController().signal;

/** What is kept of an answer when nobody asks for more. */
const USUAL_BYTES = 1024 * 1024;

/** A Spark whose login shell is this one, with the home of the test. */
function sparkWith(shell: string): SparkSsh {
  const ssh: Ssh = {
    async exec(_target, command, { maxBytes = USUAL_BYTES }) {
      const argv = shell === "busybox" ? ["busybox", "sh", "-c", command] : [shell, "-c", command];
      const child = Bun.spawn(argv, { env: { HOME: home, PATH: process.env.PATH! }, stdout: "pipe", stderr: "pipe" });
      const [out, err, exitCode] = await Promise.all([
        new Response(child.stdout).bytes(),
        new Response(child.stderr).text(),
        child.exited,
      ]);
      const kept = out.subarray(0, maxBytes);
      const stdout = new TextDecoder().decode(kept);
      return { stdout, stdoutBytes: kept, stderr: err, exitCode, truncated: kept.length < out.length };
    },
    peerAddress: async () => "10.0.0.1",
    close: async () => undefined,
  };
  return new SparkSsh(ssh, 10_000);
}

function put(folder: string, config: string | null, blobs: Readonly<Record<string, number>> = {}): void {
  mkdirSync(hub(`${folder}/blobs`), { recursive: true });
  mkdirSync(hub(`${folder}/snapshots/abc123`), { recursive: true });
  if (config !== null) writeFileSync(hub(`${folder}/snapshots/abc123/config.json`), config);
  for (const [name, bytes] of Object.entries(blobs)) writeFileSync(hub(`${folder}/blobs/${name}`), "x".repeat(bytes));
}

for (const shell of SHELLS)
  describe(`in ${shell}`, () => {
    test("each repository is listed with its size, its config, and whether its download has ended", async () => {
      put("models--acme--big-8b", '{\n  "name": "größer\u2028"\n}\n', { a: 300_000, "b.incomplete": 10 });
      put("models--acme--without", null, { a: 5_000 });
      put("models--acme--huge-config", "x".repeat(70_000));
      mkdirSync(hub("datasets--acme--data"), { recursive: true });
      writeFileSync(hub("models--acme--a-file"), "");

      const found = await listHub(sparkWith(shell), aNode("spark-1"), never);

      expect(found.map(({ repo }) => repo)).toEqual(["acme/big-8b", "acme/huge-config", "acme/without"]);
      expect(found[0]).toMatchObject({ unfinished: 1, config: '{\n  "name": "größer\u2028"\n}\n' });
      expect(found[0]!.bytes).toBeGreaterThan(300_000);
      expect(found.slice(1).map(({ config }) => config)).toEqual([null, null]);
    });

    test("none is missing of many that have large configs", async () => {
      const names = Array.from({ length: 30 }, (_, index) => `large-${String(index).padStart(2, "0")}`);
      for (const name of names) put(`models--acme--${name}`, JSON.stringify({ ignore: "x".repeat(60_000) }));

      const found = await listHub(sparkWith(shell), aNode("spark-1"), never);

      expect(found.map(({ repo }) => repo)).toEqual(names.map((name) => `acme/${name}`));
      expect(found.every(({ config }) => config !== null)).toBe(true);
    });

    test("a Spark without a cache has none", async () => {
      expect(await listHub(sparkWith(shell), aNode("spark-1"), never)).toEqual([]);
    });

    test("one is removed, with its locks, and no other", async () => {
      put("models--acme--big", "{}");
      put("models--acme--bigger", "{}");
      mkdirSync(hub(".locks/models--acme--big"), { recursive: true });

      await removeFromHub(sparkWith(shell), aNode("spark-1"), "acme/big", never);

      expect(existsSync(hub("models--acme--big"))).toBe(false);
      expect(existsSync(hub(".locks/models--acme--big"))).toBe(false);
      expect(existsSync(hub("models--acme--bigger/snapshots"))).toBe(true);
    });

    test("of a link only the link goes", async () => {
      mkdirSync(join(home, "elsewhere"));
      writeFileSync(join(home, "elsewhere/kept"), "");
      mkdirSync(hub(""), { recursive: true });
      symlinkSync(join(home, "elsewhere"), hub("models--acme--linked"));

      await removeFromHub(sparkWith(shell), aNode("spark-1"), "acme/linked", never);

      expect(existsSync(hub("models--acme--linked"))).toBe(false);
      expect(existsSync(join(home, "elsewhere/kept"))).toBe(true);
    });

    for (const repo of ["", "..", "../..", "acme/../../x", "acme/x y", "acme/$(id)", "acme/x;id", "acme"])
      test(`nothing is removed for ${JSON.stringify(repo)}`, async () => {
        put("models--acme--big", "{}");
        writeFileSync(join(home, "kept"), "");

        await expect(removeFromHub(sparkWith(shell), aNode("spark-1"), repo, never)).rejects.toThrow(
          "could not be deleted",
        );
        expect(existsSync(hub("models--acme--big"))).toBe(true);
        expect(existsSync(join(home, "kept"))).toBe(true);
      });
  });

test("whatever a Spark answers, and wherever it is cut, there is no exception and no half entry", () => {
  const whole = Buffer.from(
    "model models--a--b 12 0 5\n{1\n2}\nmodel models--a--c 7 1 0\n\nmodel models--a--d 9 0 2\n{}\n",
  );
  fc.assert(
    fc.property(fc.nat(whole.length), fc.uint8Array({ maxLength: 60 }), (at, garbage) => {
      const found = readHub(Buffer.concat([whole.subarray(0, at), garbage]));
      for (const { repo, bytes, config } of found) {
        expect(repo).toMatch(/^[\w.-]+\/[\w.-]+$/);
        expect(Number.isSafeInteger(bytes)).toBe(true);
        if (config !== null) expect(config.length).toBeGreaterThan(0);
      }
    }),
    { numRuns: 2_000 },
  );
  expect(readHub(whole).map(({ repo, config }) => [repo, config])).toEqual([
    ["a/b", "{1\n2}"],
    ["a/c", null],
    ["a/d", "{}"],
  ]);
});
