import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Fault } from "../../../lib/fault.ts";
import { fingerprint, openHostKeys } from "../../../lib/ssh/host-keys.ts";
import { generateKeyPair } from "../../../lib/ssh/key-pair.ts";

let folder = "";
let file = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "host-keys-"));
  file = join(folder, "data", "known_hosts.json");
});
afterEach(() => rmSync(folder, { recursive: true }));

function publicBlob(line: string): Buffer {
  return Buffer.from(line.split(" ")[1] ?? "", "base64");
}
const newKey = () => publicBlob(generateKeyPair("test").publicKeyLine);

test("pins an unknown host's key on first use and knows it afterwards, across a restart", () => {
  const key = newKey();
  expect(openHostKeys({ file }).check("spark-1", 22, key)).toEqual({ trusted: true, pinnedNow: true });
  const reopened = openHostKeys({ file, now: () => new Date(0) });
  expect(reopened.check("spark-1", 22, key)).toEqual({ trusted: true, pinnedNow: false });
  expect(reopened.check("SPARK-1", 22, key)).toEqual({ trusted: true, pinnedNow: false });
  expect(reopened.pinnedType("spark-1", 22)).toBe("ssh-ed25519");
});

test("the same host on another port is another host", () => {
  const keys = openHostKeys({ file });
  keys.check("spark-1", 22, newKey());
  expect(keys.check("spark-1", 2222, newKey())).toEqual({ trusted: true, pinnedNow: true });
  expect(keys.list()).toHaveLength(2);
});

test("refuses a changed key with both fingerprints, and goes on refusing it", () => {
  const keys = openHostKeys({ file });
  const [first, second] = [newKey(), newKey()];
  keys.check("spark-1", 22, first);
  const verdict = { trusted: false, expected: fingerprint(first), shown: fingerprint(second) } as const;
  expect(keys.check("spark-1", 22, second)).toEqual(verdict);
  expect(keys.check("spark-1", 22, second)).toEqual(verdict);
  expect(openHostKeys({ file }).check("spark-1", 22, second)).toEqual(verdict);
  expect(keys.list()[0]).toMatchObject({ fingerprint: verdict.expected, refused_fingerprint: verdict.shown });
});

test("accept pins the key that was refused, and only that", () => {
  const keys = openHostKeys({ file, now: () => new Date("2026-05-04T03:02:01.000Z") });
  const second = newKey();
  keys.check("spark-1", 22, newKey());
  expect(keys.accept("spark-1", 22)).toBeNull();
  keys.check("spark-1", 22, second);
  expect(keys.accept("spark-1", 22)).toMatchObject({
    fingerprint: fingerprint(second),
    pinned_at: "2026-05-04T03:02:01.000+00:00",
  });
  expect(keys.check("spark-1", 22, second)).toEqual({ trusted: true, pinnedNow: false });
  expect(keys.accept("spark-1", 22)).toBeNull();
});

test("a forgotten host is pinned anew", () => {
  const keys = openHostKeys({ file });
  keys.check("spark-1", 22, newKey());
  expect(keys.forget("spark-1", 22)).toBe(true);
  expect(keys.forget("spark-1", 22)).toBe(false);
  expect(openHostKeys({ file }).list()).toEqual([]);
  expect(keys.check("spark-1", 22, newKey())).toEqual({ trusted: true, pinnedNow: true });
});

test("the file is private and replaced in one step", () => {
  const keys = openHostKeys({ file });
  keys.check("spark-1", 22, newKey());
  keys.check("spark-2", 22, newKey());
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(join(folder, "data"))).toEqual(["known_hosts.json"]);
  expect(JSON.parse(readFileSync(file, "utf8"))).toHaveLength(2);
});

test("a file that cannot be understood is a fault, not an empty list", () => {
  openHostKeys({ file }).check("spark-1", 22, newKey());
  for (const content of ["", "{", "{}", '[{"host":"spark-1"}]']) {
    writeFileSync(file, content);
    expect(() => openHostKeys({ file })).toThrow(Fault);
  }
});

test("fingerprints are those of ssh-keygen", () => {
  const blob = publicBlob("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEH3+Jl9haKEhuBaXOeETMX0dcOLj70Gp53TcMrt5x3s");
  expect(fingerprint(blob)).toBe("SHA256:xwMGutH+ZwDXcpGpthUGm3Z3EhON39jkNyg05al3WX4");
});
