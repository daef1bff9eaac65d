/** What is kept of a secret, how it is compared, and that none stays where a client has put it by mistake. */
import { afterAll, describe, expect, spyOn, test } from "bun:test";
import crypto from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { mintToken } from "../../../lib/lock/token.ts";
import { withoutTokens } from "../../../lib/token-text.ts";
import { LockBench } from "./_bench.ts";

const mint = () => mintToken((bytes) => crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>));
const sha256 = (text: string) => crypto.createHash("sha256").update(text).digest("hex");

test("a token is 256 random bits, kept as its SHA-256", () => {
  const tokens = Array.from({ length: 100 }, mint);

  expect(new Set(tokens.map(({ text }) => text)).size).toBe(100);
  for (const { text, digest } of tokens) {
    expect(text).toMatch(/^sparklock_[\w-]{43}$/);
    expect(Buffer.from(text.slice("sparklock_".length), "base64url")).toHaveLength(32);
    expect(digest).toBe(sha256(text));
  }
});

describe("a secret that is shown", () => {
  const compared = spyOn(crypto, "timingSafeEqual");
  afterAll(() => compared.mockRestore());
  const pairs = () =>
    compared.mock.calls.splice(0).map((pair) => pair.map((one) => Buffer.from(one as Buffer).toString()));

  test("is compared as a digest with a digest, in constant time, whatever it is shown for", () => {
    using bench = new LockBench();
    const request = "a request id of at least 128 bits";
    const { token } = bench.acquire("Alice", { requestId: request });
    const kept = sha256(token);
    pairs();

    bench.acquire("Alice", { token });
    expect(pairs()).toEqual([[kept, kept]]);
    bench.lock.permit({ slot: "main", nodes: [] }, token);
    expect(pairs()).toEqual([[kept, kept]]);
    expect(() => bench.lock.permit({ slot: "main", nodes: [] }, "x")).toThrow();
    expect(pairs()).toEqual([[sha256("x"), kept]]);
    expect(() => bench.lock.release("y")).toThrow();
    expect(pairs()).toEqual([[sha256("y"), kept]]);
    bench.acquire("Alice", { requestId: request });
    expect(pairs()).toContainEqual([sha256(request), sha256(request)]);
  });

  test("is compared nowhere else", () => {
    const folder = join(import.meta.dir, "../../../lib/lock");
    const others = [...new Bun.Glob("*.ts").scanSync({ cwd: folder })].flatMap((name) =>
      readFileSync(join(folder, name), "utf8")
        .split("\n")
        .filter((line) => /(digest|token)\w* [!=]==? (?!null|undefined)/i.test(line))
        .map((line) => `${name}: ${line.trim()}`),
    );
    expect(others).toEqual([]);
  });
});

test("a token is taken out of a text that is kept, whatever its bytes are; names, ids and fingerprints stay", () => {
  const odd = [0, 0xfb, 0xff].map((byte) => mintToken((bytes) => bytes.fill(byte)));
  for (const { text } of [...Array.from({ length: 1_000 }, mint), ...odd]) {
    expect(withoutTokens(text)).toBe("[redacted]");
    expect(withoutTokens(`x${text}x`)).toBe("x[redacted]x");
    expect(withoutTokens(`/api/swap/${text}/drain?x=${text}`)).toBe("/api/swap/[redacted]/drain?x=[redacted]");
  }
  for (const text of [
    `SHA256:${crypto.createHash("sha256").update("x").digest("base64url")}`,
    "0192f0c1-2b7a-7c3e-9d55-1a2b3c4d5e6f",
    "qwen3-next-80b-a3b-instruct-fp8-long-context",
    sha256("x"),
    "a sentence about nothing, of more than forty-three letters",
  ])
    expect(withoutTokens(text)).toBe(text);
});

describe("a text that has a token", () => {
  const { text: token } = mint();
  const inPercent = (text: string) => text.replace(/[^%]/g, (char) => `%${char.charCodeAt(0).toString(16)}`);

  test.each([
    ["one of its characters", `/api/swap/${token.replace("_", "%5F")}/drain`],
    ["one behind the prefix", `/api/swap/sparklock_%41${token.slice(11)}`],
    ["all of it", inPercent(token)],
    ["all of it, twice over", inPercent(token).replaceAll("%", "%25")],
    ["beside one as it is", `${token}?x=${inPercent(token)}`],
    ["its end", `/api/swap/${token.slice(0, 20)}${inPercent(token.slice(20))}`],
    ["its last character", `/api/swap/${token.slice(0, -1)}${inPercent(token.slice(-1))}/drain`],
    ["all of it, and cut", inPercent(token).slice(0, 120)],
  ])("in percent, %s, is not kept at all", (_, text) => {
    expect(withoutTokens(text)).toBe("[redacted]");
  });

  test("loses it where it was cut, too", () => {
    expect(withoutTokens(`There is no model "${token.slice(0, 30)}".`)).toBe('There is no model "[redacted]".');
  });

  test("keeps the rest, although a percent sign is in it", () => {
    expect(withoutTokens(`100 % of ${token} %zz`)).toBe("100 % of [redacted] %zz");
    expect(withoutTokens(`100 %25 of ${token}%20%zz`)).toBe("100 %25 of [redacted]%20%zz");
    expect(withoutTokens("99 %, 5 %25 and a/%E2%9C%93")).toBe("99 %, 5 %25 and a/%E2%9C%93");
    expect(withoutTokens("what begins with sparklock_ goes; 5% less")).toBe(
      "what begins with sparklock_ goes; 5% less",
    );
  });

  test("is not looked for behind percent upon percent without end", () => {
    expect(withoutTokens(`%${"25".repeat(1_000)}`)).toBe("[redacted]");
  });
});
