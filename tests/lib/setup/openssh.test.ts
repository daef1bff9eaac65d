/** Against a real OpenSSH server and a real shell: trust, login, and the line that a person pastes. */
import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CheckId, CheckResult } from "../../../lib/setup/check.ts";
import { checkSparks } from "../../../lib/setup/check-sparks.ts";
import { authorizeLine, shellPath } from "../../../lib/setup/lines.ts";
import { createShownKeys, type ShownKeys } from "../../../lib/setup/shown-keys.ts";
import { type HostKeys, openHostKeys } from "../../../lib/ssh/host-keys.ts";
import { generateKeyPair } from "../../../lib/ssh/key-pair.ts";
import type { Node } from "../../../lib/topology/topology.ts";
import { requirement } from "../../support/requirements.ts";
import { SSHD_AVAILABLE, SSHD_HOW, type Sshd, startSshd } from "../ssh/sshd.ts";

setDefaultTimeout(30_000);

const LOOPBACK = `${"0".repeat(31)}1`;
const hasIPv6Loopback = () =>
  existsSync("/proc/net/if_inet6") && readFileSync("/proc/net/if_inet6", "utf8").startsWith(LOOPBACK);

requirement(
  "set-up against OpenSSH",
  SSHD_AVAILABLE,
  SSHD_HOW,
)("set-up against OpenSSH", () => {
  let sshd: Sshd;
  let hostKeys: HostKeys;
  let keys: ShownKeys;
  const pair = generateKeyPair("spark-control");
  beforeEach(async () => {
    sshd = await startSshd();
    hostKeys = openHostKeys({ file: join(sshd.folder, "known_hosts.json") });
    keys = createShownKeys(hostKeys);
  });
  afterEach(() => sshd.remove());

  async function check(privateKey: string, over: Partial<Node> = {}): Promise<Map<CheckId, CheckResult>> {
    const node: Node = {
      status: "configured",
      name: "spark-1",
      host: sshd.target.host,
      user: sshd.target.user,
      ssh_port: sshd.target.port,
      address: null,
      launch_dir: "~/launch dir's",
      eth_if: null,
      ib_if: null,
      ...over,
    };
    const results = new Map<CheckId, CheckResult>();
    const checker = { privateKey, publicKeyLine: pair.publicKeyLine, keys, instance: "this-one", now: Date.now };
    await checkSparks(
      { nodes: [node], image: "vllm-node" },
      checker,
      (result) => results.set(result.check, result),
      new AbortController().signal,
    );
    return results;
  }
  const confirm = async () => {
    const shown = (await check(sshd.privateKey)).get("host_key")!.confirm!;
    return keys.confirm(sshd.target.host, sshd.target.port, shown.fingerprint);
  };

  test("the fingerprint to confirm is the one that ssh-keygen shows for the host's key", async () => {
    const results = await check(sshd.privateKey);

    const { stdout } = Bun.spawnSync(["ssh-keygen", "-lf", join(sshd.folder, "host_key")]);
    const shown = results.get("host_key")!.confirm!;
    expect(stdout.toString()).toContain(` ${shown.fingerprint} `);
    expect(results.get("login")!.state).toBe("skipped");
    expect(hostKeys.list()).toEqual([]);
  });

  test("a key that is not let in is let in once the line was pasted, twice over too", async () => {
    await confirm();
    const refused = await check(pair.privateKey);
    expect(refused.get("login")!.state).toBe("failed");
    const [line] = refused.get("login")!.fix!.lines;
    // The server looks into this file; the line writes where $HOME says.
    const home = join(sshd.folder, "pasted");
    mkdirSync(join(home, ".ssh"), { recursive: true });
    writeFileSync(
      join(home, ".ssh/authorized_keys"),
      readFileSync(join(sshd.folder, "authorized_keys"), "utf8").trimEnd(),
    );

    for (const shell of ["sh", "bash"]) {
      const { exitCode } = Bun.spawnSync([shell, "-c", line!], { env: { HOME: home, PATH: process.env.PATH ?? "" } });
      expect(exitCode).toBe(0);
    }

    const written = join(home, ".ssh/authorized_keys");
    expect(statSync(written).mode & 0o777).toBe(0o600);
    writeFileSync(join(sshd.folder, "authorized_keys"), readFileSync(written));
    expect((await check(pair.privateKey)).get("login")!.state).toBe("ok");
    expect((await check(sshd.privateKey)).get("login")!.state).toBe("ok");
  });

  test("a public key with odd characters in its comment stays one harmless line", () => {
    const home = join(sshd.folder, "odd");
    mkdirSync(home);
    const odd = `ssh-ed25519 AAAA it's; $(touch ${home}/pwned) \`touch ${home}/pwned\` "x" %s \\n`;

    Bun.spawnSync(["sh", "-c", authorizeLine(odd)], { env: { HOME: home, PATH: process.env.PATH ?? "" } });

    expect(readFileSync(join(home, ".ssh/authorized_keys"), "utf8")).toBe(`\n${odd}\n`);
    expect(readdirSync(home)).toEqual([".ssh"]);
  });

  test.each(["~", "~/x", "~/it's a dir", "/opt/$(id)", "/opt/a b"])(
    "the shell reads the path %s as it is meant",
    (path) => {
      const { stdout } = Bun.spawnSync(["sh", "-c", `printf %s ${shellPath(path)}`], { env: { HOME: "/home/alice" } });

      expect(stdout.toString()).toBe(path.replace(/^~/, "/home/alice"));
    },
  );

  test("a folder with blanks and quotes is looked into, and what lies there is read and not run", async () => {
    await confirm();
    const folder = join(sshd.home, "launch dir's");
    mkdirSync(folder);
    const script = join(folder, "launch-cluster.sh");
    writeFileSync(script, `#!/bin/sh\ntouch "$HOME/ran"\nCOMMAND_TO_RUN="$@"\n`, { mode: 0o644 });

    const plain = (await check(sshd.privateKey)).get("launch_script")!;
    expect(plain).toMatchObject({
      state: "failed",
      fix: { lines: [`chmod +x ~/'launch dir'\\''s/launch-cluster.sh'`] },
    });
    Bun.spawnSync(["sh", "-c", plain.fix!.lines[0]!], { env: { HOME: sshd.home, PATH: process.env.PATH ?? "" } });

    expect((await check(sshd.privateKey)).get("launch_script")!.state).toBe("ok");
    expect(readdirSync(sshd.home)).toEqual(["launch dir's"]);
  });

  test("the real disk, clock and architecture are read", async () => {
    await confirm();

    const results = await check(sshd.privateKey);

    expect(results.get("clock")!.state).toBe("ok");
    const { stdout } = Bun.spawnSync(["df", "-Pk", sshd.home]);
    const total = Number(stdout.toString().trim().split("\n").at(-1)!.split(/\s+/)[1]) * 1024;
    expect(results.get("disk")!.seen).toContain(`of ${Math.round(total / 1e9).toLocaleString("en-GB")} GB`);
    expect(results.get("owner")!.state).toBe("ok");
    expect(readdirSync(sshd.home)).toEqual([]);
  });

  test("a changed host key is told from a new one, and not logged in to", async () => {
    const before = await confirm();
    await sshd.kill();
    sshd.changeHostKey();
    await sshd.start();

    const results = await check(sshd.privateKey);

    expect(results.get("host_key")).toMatchObject({ state: "failed", confirm: { expected: before.fingerprint } });
    expect(results.get("login")!.state).toBe("skipped");
    expect(hostKeys.pinned(sshd.target.host, sshd.target.port)!.fingerprint).toBe(before.fingerprint);
  });

  test("over IPv6 alone, it asks for the IPv4 address that the launch script needs", async () => {
    if (!hasIPv6Loopback()) return console.log("skipped: no IPv6 on this machine");
    await sshd.remove();
    sshd = await startSshd(["ListenAddress ::1"]);
    const there = { host: "::1" };
    const shown = (await check(sshd.privateKey, there)).get("host_key")!.confirm!;
    keys.confirm("::1", sshd.target.port, shown.fingerprint);

    const alone = (await check(sshd.privateKey, there)).get("reachable")!;
    const both = (await check(sshd.privateKey, { ...there, address: "127.0.0.1" })).get("reachable")!;

    expect(alone).toMatchObject({ state: "warning", fix: { lines: [] } });
    expect(alone.fix!.text).toContain("needs an IPv4 address");
    expect(both.state).toBe("ok");
  });

  test("a server that is gone", async () => {
    await confirm();
    await sshd.kill();

    const results = await check(sshd.privateKey);

    expect(results.get("reachable")).toMatchObject({ state: "failed" });
    expect(results.get("reachable")!.seen).toContain("refuses SSH connections");
    rmSync(join(sshd.folder, "known_hosts.json"));
  });
});
