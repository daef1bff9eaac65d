/** What of OpenSSH's known_hosts is pinned: whole keys of plain names, and of hashed ones that are a Spark's. */
import { expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { utils } from "ssh2";
import { keyType } from "../../../lib/ssh/host-keys.ts";
import { readKnownHosts } from "../../../lib/upgrade/known-hosts.ts";
import { earlier, endEach, start } from "./_start.ts";

endEach();
const pair = (type: "ed25519" | "rsa" | "ecdsa", bits?: number) => {
  const made = type === "ed25519" ? utils.generateKeyPairSync(type) : utils.generateKeyPairSync(type, { bits: bits! });
  return made.public.split(" ").slice(0, 2).join(" ");
};
const KEYS = {
  ed25519: pair("ed25519"),
  "ecdsa 256": pair("ecdsa", 256),
  "ecdsa 384": pair("ecdsa", 384),
  "ecdsa 521": pair("ecdsa", 521),
  rsa: pair("rsa", 2048),
};
const placesOf = (text: string, sparks: { host: string; port: number }[] = []) =>
  readKnownHosts(text, sparks).keys.map(({ host, port }) => `${host} ${port}`);
const refusedOf = (text: string) => readKnownHosts(text, []).refused.map(({ why }) => why);

for (const [name, line] of Object.entries(KEYS))
  test(`${name}: a whole key is pinned; wherever it is cut off, and with a tail, it is not`, () => {
    const [type = "", base64 = ""] = line.split(" ");
    const blob = Buffer.from(base64, "base64");
    const said = (bytes: Uint8Array) => `10.77.0.11 ${type} ${Buffer.from(bytes).toString("base64")}\n`;

    expect(placesOf(said(blob))).toEqual(["10.77.0.11 22"]);
    const cut = Array.from({ length: blob.length }, (_, length) => said(blob.subarray(0, length)));
    for (const text of [...cut, said(Buffer.concat([blob, Buffer.of(0)]))]) {
      expect(placesOf(text)).toEqual([]);
      expect(refusedOf(text)).toHaveLength(1);
    }
  });

test("of several keys of a host that of ed25519 is pinned, wherever it stands; without one the first", () => {
  const typeOf = (...names: (keyof typeof KEYS)[]) => {
    const { keys } = readKnownHosts(names.map((name) => `10.77.0.11 ${KEYS[name]}\n`).join(""), []);
    return keys.map(({ key }) => keyType(key));
  };

  expect(typeOf("rsa", "ed25519", "ecdsa 256")).toEqual(["ssh-ed25519"]);
  expect(typeOf("ed25519", "rsa")).toEqual(["ssh-ed25519"]);
  expect(typeOf("rsa", "ecdsa 256")).toEqual(["ssh-rsa"]);
});

test("patterns in a line are told, the names beside them are pinned, and what is excluded is not", () => {
  const text = `*.lan,10.77.0.11,!10.77.0.12,10.77.0.12 ${KEYS.ed25519}\n`;

  expect(placesOf(text)).toEqual(["10.77.0.11 22"]);
  expect(refusedOf(text)).toEqual([expect.stringContaining("*.lan, !10.77.0.12")]);
});

test("a hashed name with the port of a Spark is found", async () => {
  const salt = Buffer.from("0123456789abcdefghij").toString("base64");
  const hash = createHmac("sha1", Buffer.from(salt, "base64")).update("[10.77.0.12]:2222").digest("base64");
  const started = await start(
    earlier({
      "app_settings.json": "{}",
      "topology.yaml": "nodes:\n  - { name: spark-1, host: 10.77.0.12, user: alice, ssh_port: 2222 }\n",
      known_hosts: `|1|${salt}|${hash} ${KEYS.ed25519}\n`,
    }),
  );

  expect(started.plane.hostKeys.list()).toMatchObject([{ host: "10.77.0.12", port: 2222 }]);
});
