import { describe, expect, test } from "bun:test";
import { createServer } from "node:net";
import type { Client } from "ssh2";
import { makeHostKey } from "../../../lib/simulator/host-key.ts";
import { command } from "../../../lib/ssh/quote.ts";
import { Bench, login, run } from "./bench.ts";

describe("sshd of a simulated Spark", () => {
  test("runs a command for the authorized key", async () => {
    await using bench = await Bench.start({ nodes: 1 });

    const { stdout, code } = await bench.exec(["cat", "/proc/sys/kernel/random/boot_id"]);

    expect(stdout).toBe(`${bench.head.bootId}\n`);
    expect(code).toBe(0);
  });

  test("refuses another key and another user", async () => {
    await using bench = await Bench.start({ nodes: 1 });
    const stranger = makeHostKey().privateText;

    await expect(login(bench.head, { privateKey: stranger })).rejects.toThrow(/authentication/i);
    await expect(login(bench.head, { user: "root" })).rejects.toThrow(/authentication/i);
  });

  test("gives no shell, no pty and no sftp", async () => {
    await using bench = await Bench.start({ nodes: 1 });
    const client = await bench.client(bench.head);
    const refused = (ask: (done: (error: Error | undefined) => void) => void) =>
      new Promise((resolve) => ask((error) => resolve(error !== undefined)));

    expect(await refused((done) => client.shell(false, done))).toBe(true);
    expect(await refused((done) => client.exec("uptime", { pty: true }, done))).toBe(true);
    expect(await refused((done) => client.sftp(done))).toBe(true);
  });

  test("opens ten sessions on a connection and not an eleventh", async () => {
    await using bench = await Bench.start({ nodes: 1, speed: 1 });
    const client = await bench.client(bench.head);

    const opened = await Promise.all(Array.from({ length: 11 }, () => opens(client, "sleep 600")));

    expect(opened.filter(Boolean)).toHaveLength(10);
    expect(await new Promise((resolve) => client.exec("uptime", (error) => resolve(error?.message)))).toMatch(
      /Channel open failure/,
    );
  });

  test("a channel that the client closes gives its session back", async () => {
    await using bench = await Bench.start({ nodes: 1, speed: 1 });
    const client = await bench.client(bench.head);
    await new Promise<void>((resolve, reject) => {
      client.exec("sleep 600", (error, channel) => {
        if (error) return reject(error);
        channel.on("close", () => resolve());
        channel.resume();
        channel.stderr.resume();
        channel.close();
      });
    });

    const opened = await Promise.all(Array.from({ length: 10 }, () => opens(client, "sleep 600")));

    expect(opened).toEqual(Array.from({ length: 10 }, () => true));
  });

  test("shows its host key, and another one after a rotation", async () => {
    await using bench = await Bench.start({ nodes: 1 });
    const seen: string[] = [];
    const enter = () => login(bench.head, { onHostKey: (key) => seen.push(`ssh-ed25519 ${key.toString("base64")}`) });
    const before = bench.head.hostKey.publicText;

    (await enter()).destroy();
    bench.head.rotateHostKey();
    (await enter()).destroy();

    expect(seen).toEqual([before, bench.head.hostKey.publicText]);
    expect(seen[0]).not.toBe(seen[1]!);
  });

  test("answers what it does not understand with a syntax error", async () => {
    await using bench = await Bench.start({ nodes: 1 });

    const { stderr, code } = await bench.line("uptime; id");

    expect(stderr).toStartWith("sh: syntax error");
    expect(code).toBe(2);
  });
});

describe("close", () => {
  test("leaves no listener, and connections end", async () => {
    const bench = await Bench.start({ services: true });
    const client = await bench.client(bench.head);
    const ended = new Promise<void>((resolve) => client.on("close", () => resolve()));
    const places = bench.cluster.nodes.flatMap((spark) =>
      spark.listeningPorts().map((port) => ({ address: spark.address, port })),
    );

    await bench.cluster.close();
    await ended;

    expect(places.length).toBeGreaterThanOrEqual(7);
    for (const place of places) expect(await binds(place)).toBe(true);
  });
});

function opens(client: Client, line: string): Promise<boolean> {
  return new Promise((resolve) => client.exec(line, (error) => resolve(!error)));
}

function binds({ address, port }: { address: string; port: number }): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, address, () => server.close(() => resolve(true)));
  });
}

test("two commands run side by side on one connection", async () => {
  await using bench = await Bench.start({ nodes: 1 });
  const client = await bench.client(bench.head);

  const answers = await Promise.all([run(client, command(["hostname"])), run(client, command(["date", "+%s"]))]);

  expect(answers.map(({ code }) => code)).toEqual([0, 0]);
  expect(answers[0].stdout).toBe("spark-1\n");
});
