/** Nothing of a real installation is in the tree; and the scan that says so sees what it has to see. */
import { describe, expect, test } from "bun:test";
import { lstatSync, mkdtempSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { foreignIn } from "./_foreign.ts";
import { ROOT } from "./_sources.ts";

/** Written by package managers: names and sums of public packages. */
const LOCK_FILES = new Set(["bun.lock", "startos/package-lock.json"]);

/** What people look at, and what they cannot read. */
const BINARY = /\.(?:png|woff2)$/;

/** Text of two bytes for each character is text too. */
const plainText = (bytes: Buffer): string => bytes.toString(bytes.includes(0) ? "latin1" : "utf8").replaceAll("\0", "");

/** What git has, or is about to have. */
function files(root = ROOT): string[] {
  // Ended by NUL: else names that are not ASCII are quoted, and no file has the name that is read then.
  const { stdout, exitCode } = Bun.spawnSync(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
  });
  if (exitCode !== 0) throw new Error("git does not tell what is in the tree");
  return stdout
    .toString()
    .split("\0")
    .filter((name) => name !== "" && !LOCK_FILES.has(name));
}

/** What is in the tree of a link is its target. */
function textOf(file: string, root = ROOT): string | null {
  const path = join(root, file);
  try {
    if (lstatSync(path).isSymbolicLink()) return readlinkSync(path);
    const bytes = readFileSync(path);
    return BINARY.test(file) ? null : plainText(bytes);
  } catch (error) {
    // Removed, but not committed yet.
    if ((error as { code?: unknown }).code === "ENOENT") return null;
    throw error;
  }
}

const foundIn = (names: readonly string[], root = ROOT): string[] =>
  names.flatMap((file) =>
    foreignIn(textOf(file, root) ?? "", file).map(({ line, kind, text }) => `${file}:${line} ${kind}: ${text}`),
  );

describe("the tree", () => {
  test("has packages of the public registry only", () => {
    const archives = [...LOCK_FILES].flatMap(
      (file) => readFileSync(join(ROOT, file), "utf8").match(/[a-z+]+:\/\/[^\s"']+\.t(?:ar\.)?gz/g) ?? [],
    );

    expect(archives.filter((url) => !url.startsWith("https://registry.npmjs.org/"))).toEqual([]);
  });

  test("names no real host, address, user, secret or path of a machine", () => {
    const names = files();
    expect(names.length).toBeGreaterThan(500);
    expect(foreignIn(names.join("\n"))).toEqual([]);

    expect(foundIn(names)).toEqual([]);
  });
});

/** Put together here, so that the tree stays free of them. */
const sum = "0123456789abcdef0123456789abcdef01234567";
const PLANTED: readonly (readonly [kind: string, text: string])[] = [
  ["address", `host: 192.168.${50}.12`],
  ["address", `SPARK1_HOST=10.${8}.0.3`],
  ["address", `fetch("http://84.${17}.3.9:9999/")`],
  ["host", `curl http://gandalf.${"local"}:9999/health`],
  ["host", `ssh alice@${"gandalf"}.${"lan"}`],
  ["host", `https://sparks.smith-family.${"net"}/api`],
  ["host", `SPARK1_HOST=${"gandalf"}`],
  ["host", `connect({ host: "${"gandalf"}", port: 22 })`],
  ["host", `mysql://?host=${"gandalf"}.smith.net&x=1`],
  ["user", `SPARK1_USER='${"jsmith"}'`],
  ["user", `{"user": "${"jsmith"}"}`],
  ["user", `login=${"jsmith"}`],
  ["secret", `password=Tr0ub4dor${"&3"}`],
  ["secret", `{"secret": "9f8e7d6c5b4a${"3210"}"}`],
  ["secret", `--token='Kx7${"pQ2vN8"}'`],
  ["secret", `whsec_${"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}`],
  ["e-mail", `mail john.smith@${"smith-family.net"} about it`],
  ["e-mail", `Author: J <jsmith@${"gmail.com"}>`],
  ["address", `host 2a02:8070:${"1234"}:5600::17 answers`],
  ["address", `fd9e:21a7:${"a92c"}:2323::1`],
  ["address", `fe80::1c7a:${"9bff"}:fe12:3456`],
  ["user", `/home/${"jsmith"}/spark-vllm-docker`],
  ["user", `"/Users/${"jsmith"}/code"`],
  ["path", `cd /work/${"main"} && make`],
  [
    "secret",
    `-----BEGIN OPENSSH PRIVATE ${"KEY"}-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtz`,
  ],
  ["secret", `ssh-ed25519 ${"AAAA"}C3NzaC1lZDI1NTE5AAAAIJ1n0Zk3m9pX5s7QyTn2v8W4rB6cD0eF1gH2iJ3kL4mN alice`],
  ["secret", `HF_TOKEN=hf_${"abcdefghijklmnopqrstuvwxyzABCDEF"}`],
  ["secret", `ghp_${"abcdefghijklmnopqrstuvwxyz0123456789"}`],
  ["secret", `glpat-${"abcdefghij0123456789"}`],
  ["secret", `//registry.npmjs.org/:_auth ${"npm"}_abcdefghijklmnopqrstuvwxyz0123456789`],
  ["host", `ssh -p 22 alice@${"gandalf"} uptime`],
  ["user", `scp -r x.tgz ${"jsmith"}@10.77.0.11:/srv`],
  ["host", `spark.${"tail12ab"}.ts.net:9999`],
  ["host", `ftp://files.smith-family.${"net"}/x`],
  ["user", `C:\\Users\\${"jsmith"}\\spark`],
  ["user", `"c:\\\\Users\\\\${"jsmith"}"`],
  ["address", `wol 48:b0:2d:${"1a"}:2b:3c`],
  ["address", `48-B0-2D-${"1A"}-2B-3C`],
  ["secret", `GITEA_TOKEN=${sum}`],
  ["secret", `"authorization": "token ${sum}"`],
  ["host", `curl http://${"gandalf"}:9999/health`],
  ["host", `ssh://alice@${"gandalf"}/srv`],
  ["host", `ping ${"gandalf"}.home.arpa`],
  ["host", `ping ${"gandalf"}.internal`],
  ["address", `exec 3<>/dev/tcp/192.168.${50}.12/22`],
  ["user", `/var/home/${"jsmith"}/x`],
  ["user", `/mnt/c/Users/${"jsmith"}/x`],
  ["secret", `Authorization: Bearer Kx7pQ2vN8Lm${"TzR4wY6uA"}`],
  ["secret", `Authorization: Basic ${Buffer.from("jsmith:Tr0ub4dor&3").toString("base64")}`],
  ["secret", `https://alice:Kx7${"pQ2vN8"}@git.example.com/x`],
  ["secret", `PrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd${"2rYUIgJBgB3fBmk="}`],
  ["secret", `AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI7MDENG${"bPxRfiCYzzKEY"}`],
  ["secret", `OPENAI=sk-${"proj"}-Ab3_dEf-Gh1JkLmN0pQr_StUvWxYz-23456789`],
  ["secret", `sk-${"ant"}-api03-Ab3_dEf-Gh1JkLmN0pQrStUvWxYz23456789_AA`],
  ["secret", `sk-${"Ab3dEfGh1JkLmN0pQrStUvWxYz23456789AbCdEfGh1JkLm"}`],
  ["secret", `key ${"AIza"}SyAb3_dEf-Gh1JkLmN0pQrStUvWxYz23456`],
  ["secret", `${"AKIA"}IOSFODNN7ABCDEFG`],
  ["secret", `${"eyJ"}hbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.${"eyJ"}zdWIiOiIxMjM0NTY3ODkwIn0.x1Y2`],
  ["host", `Connect to ${"gandalf"}.local.`],
  ["host", `${"gandalf"}.local: connection refused`],
  ["host", `see ${"gandalf"}.local (the box)`],
  ["host", `${"gandalf"}.lan = the box`],
  ["secret", `ecdsa-sha2-nistp256 ${"AAAA"}E2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBKx7pQ2vN8LmTzR4wY6uA`],
];
/** In the open only in files of settings; in code `host: name` is a variable. */
const PLANTED_SETTINGS: readonly (readonly [kind: string, text: string])[] = [
  ["host", `host: ${"gandalf"}`],
  ["user", `  - { name: spark-1, host: 10.77.0.11, user: ${"jsmith"} }`],
  ["secret", `password: Tr0ub4dor${"&3"} # of the head`],
  ["user", `      SPARK1_USER: ${"jsmith"}`],
  ["secret", `- gitea_token: Kx7${"pQ2vN8LmTz"}`],
];
const FINE: readonly string[] = [
  "http://127.0.0.1:9999, 0.0.0.0, 10.77.0.11, 192.0.2.7",
  "version 1.2.3.4.5, 1.4.5, Chrome/120.0.0.0",
  "http://spark-control.local:9999 and https://git.example.com/x",
  "https://github.com/eugr/spark-vllm-docker",
  "/home/alice/x, ~/spark-vllm-docker, $HOME/y",
  "token: 32 random bytes; a sha of 40: commit deadbeef",
  "<spark-1-ip>, <spark-user>",
  "::1, [::]:9999, fe80::1, fd00::5, 2001:db8:1:2::7, 12:34:56, aa:bb:cc:dd:ee:ff, ::before",
  "alice@example.com, git@github.com:x/y.git, alice@10.77.0.11, aes256-gcm@openssh.com, left-pad@1.3.0",
  `whsec_${Buffer.from("hunter2hunter2hunter2").toString("base64")}`,
  "00:00:5E:00:53:1f, 02-00-00-00-00-01, ff:ff:ff:ff:ff:ff, 00:00:00:00:00:00",
  "ssh alice@10.77.0.11 true; ssh git@github.com; scp x <spark-user>@<spark-1-ip>:, C:\\Users\\alice, npm_config_registry_of_this_machine_x",
  "SPARK1_HOST=<spark-1-ip> SPARK1_USER=alice, user=$USER, host: node.host, password=…, token=$TOKEN",
  "http://localhost:9999 and http://nas:9999/x, metadata.google.internal, http://alice:hunter2@10.77.0.3/",
  `authorization: Basic ${Buffer.from("alice:hunter2").toString("base64")}, Bearer $TOKEN, Bearer ${"x".repeat(20)}`,
  'host: "10.77.0.11", user: "alice", secret: "hunter2!", password: "The password is wrong"',
];

/** Properties; in prose they are names of machines. */
const FINE_CODE: readonly string[] = [
  "this.local = shell.home(); const value = shell.local(1); state.internal = 1;",
  "const next = is ? shell.local.name : 1; switch (is) { case shell.lan: return 1; }",
];

describe("the scan", () => {
  test.each(PLANTED.map(([kind, text]) => [kind, text] as const))("finds a planted %s: %s", (kind, text) => {
    const found = foreignIn(`first line\n${text}\nlast line\n`);

    expect(found.map((finding): [string, number] => [finding.kind, finding.line])).toContainEqual([kind, 2]);
  });

  test.each(PLANTED_SETTINGS.map(([kind, text]) => [kind, text] as const))(
    "finds a planted %s in a file of settings: %s",
    (kind, text) => {
      const found = foreignIn(`first: line\n${text}\nlast: line\n`, "config/topology.example.yaml");

      expect(found.map((finding): [string, number] => [finding.kind, finding.line])).toContainEqual([kind, 2]);
    },
  );

  test("reads text that is not of single bytes, and is no longer text for git", () => {
    const utf16 = Buffer.from(`\ufeffSPARK1_HOST=${"gandalf"}\n`, "utf16le");

    expect(foreignIn(plainText(utf16)).map(({ kind }) => kind)).toEqual(["host"]);
    expect(BINARY.test("notes.txt")).toBe(false);
  });

  test.each(FINE.map((text) => [text]))("takes no offence at: %s", (text) => {
    expect(foreignIn(text)).toEqual([]);
  });

  test.each(FINE_CODE.map((text) => [text]))("takes no offence at code: %s", (text) => {
    expect(foreignIn(text, "lib/x.ts")).toEqual([]);
  });

  test("looks into files of any name, and at what links point to; a file that cannot be read ends it", () => {
    const root = mkdtempSync(join(tmpdir(), "spark-tree-"));
    try {
      Bun.spawnSync(["git", "init", "-q", root]);
      writeFileSync(join(root, "grüße aus\nKöln.md"), `SPARK1_HOST=${"gandalf"}\n`);
      symlinkSync(`/home/${"jsmith"}/x`, join(root, "link"));
      symlinkSync("not-there", join(root, "fine"));

      expect(foundIn(files(root), root).sort()).toEqual([
        `grüße aus\nKöln.md:1 host: HOST=${"gandalf"}`,
        `link:1 user: /home/${"jsmith"}`,
      ]);
      expect(textOf("removed", root)).toBeNull();
      expect(() => textOf(".", root)).toThrow("EISDIR");
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
});
