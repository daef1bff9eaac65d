import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { utils } from "ssh2";
import { Fault } from "../../../lib/fault.ts";
import { loadIdentity } from "../../../lib/ssh/identity.ts";
import { generateKeyPair } from "../../../lib/ssh/key-pair.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "identity-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("makes an OpenSSH ed25519 pair once and uses it from then on", () => {
  const data = join(folder, "ssh");
  const first = loadIdentity({ folder: data });
  const second = loadIdentity({ folder: data, path: null });
  expect(second).toEqual(first);
  expect(first.privateKey).toStartWith("-----BEGIN OPENSSH PRIVATE KEY-----");
  expect(first.publicKeyLine).toMatch(/^ssh-ed25519 [A-Za-z0-9+/=]+ spark-control$/);
  expect(readFileSync(join(data, "id_ed25519.pub"), "utf8")).toBe(`${first.publicKeyLine}\n`);
  expect(statSync(join(data, "id_ed25519")).mode & 0o777).toBe(0o600);
  expect(readdirSync(data).sort()).toEqual(["id_ed25519", "id_ed25519.pub"]);
});

test("a public half that is missing, of another key, or no file is written; one with a comment of its own stays", () => {
  const { publicKeyLine } = loadIdentity({ folder });
  const file = join(folder, "id_ed25519.pub");
  const mended = () => {
    expect(loadIdentity({ folder }).publicKeyLine).toBe(publicKeyLine);
    return readFileSync(file, "utf8");
  };
  rmSync(file);
  expect(mended()).toBe(`${publicKeyLine}\n`);
  writeFileSync(file, `${generateKeyPair("old").publicKeyLine}\n`);
  expect(mended()).toBe(`${publicKeyLine}\n`);
  const commented = `${publicKeyLine.split(" ").slice(0, 2).join(" ")} of Alice: the study\n`;
  writeFileSync(file, commented);
  expect(mended()).toBe(commented);
  rmSync(file);
  mkdirSync(file);
  expect(loadIdentity({ folder }).publicKeyLine).toBe(publicKeyLine);
});

test("a given key is used as it is, and nothing is written", () => {
  const path = join(folder, "mine");
  const pair = generateKeyPair("alice@laptop");
  writeFileSync(path, pair.privateKey, { mode: 0o400 });
  const identity = loadIdentity({ folder: join(folder, "ssh"), path });
  expect(identity).toEqual({ privateKey: pair.privateKey, publicKeyLine: pair.publicKeyLine, path });
  expect(readdirSync(folder)).toEqual(["mine"]);
});

test("a key that cannot be used is a fault that says why", () => {
  const path = join(folder, "key");
  const message = (content: string | null): string => {
    if (content !== null) writeFileSync(path, content);
    try {
      loadIdentity({ folder, path });
    } catch (error) {
      expect(error).toBeInstanceOf(Fault);
      expect(error).toMatchObject({ code: "ssh_key_unreadable" });
      return (error as Fault).message;
    }
    return "none";
  };
  expect(message(null)).toContain("cannot be read");
  expect(message("not a key")).toContain("is not a private key");
  expect(message(generateKeyPair("x").publicKeyLine)).toContain("holds a public key");
  const options = { passphrase: "secret", cipher: "aes256-ctr", rounds: 16 } as const;
  expect(message(utils.generateKeyPairSync("ed25519", options).private)).toContain("protected by a passphrase");
});

test("every generated pair can be read back, also the ones that ssh2 would spoil", () => {
  for (let count = 0; count < 600; count += 1) {
    const { privateKey, publicKeyLine } = generateKeyPair("test");
    const parsed = utils.parseKey(privateKey);
    if (parsed instanceof Error) throw parsed;
    expect(publicKeyLine).toContain(parsed.getPublicSSH().toString("base64"));
  }
});
