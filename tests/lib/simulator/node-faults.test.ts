import { describe, expect, test } from "bun:test";
import { Bench, login } from "./bench.ts";

const SMALL = "openai/gpt-oss-20b";
const SHORT_MS = 300;
const HALF = { weightsPercent: 50 };

function give(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "answered",
    (error: Error & { code?: string }) => error.code ?? error.name ?? error.message,
  );
}

describe("SSH", () => {
  test("a closed port refuses connections, and HTTP goes on", async () => {
    await using bench = await Bench.start();
    await bench.startJob("swap-1", bench.launchWords(SMALL));
    await bench.vllmAnswers();

    bench.inject({ kind: "ssh_refused", node: "spark-1" });
    const refused = await give(login(bench.head));
    const health = await fetch(bench.url("/health"));
    bench.cluster.clear();
    await bench.cluster.until(() => bench.head.sshListening);
    const again = await bench.exec(["hostname"]);

    expect(refused).toBe("ECONNREFUSED");
    expect(health.status).toBe(200);
    expect(again.code).toBe(0);
  });

  test("accepts TCP and never answers, as often as told", async () => {
    await using bench = await Bench.start();
    bench.inject({ kind: "ssh_silent", node: "spark-1", times: 1 });

    const first = await login(bench.head, { readyTimeoutMs: SHORT_MS }).catch((error: Error) => error.message);
    const second = await bench.exec(["hostname"]);

    expect(first).toMatch(/timed out/i);
    expect(second.stdout).toBe("spark-1\n");
  });

  test("refuses the key", async () => {
    await using bench = await Bench.start();
    bench.inject({ kind: "key_refused", node: "spark-1" });

    const refused = await login(bench.head).catch((error: Error) => error.message);
    const other = await bench.exec(["hostname"], bench.worker);
    bench.cluster.clear();

    expect(refused).toMatch(/authentication/i);
    expect(other.code).toBe(0);
    expect((await bench.exec(["hostname"])).code).toBe(0);
  });

  test("shows another host key", async () => {
    await using bench = await Bench.start();
    const before = bench.head.hostKey.fingerprint;

    bench.inject({ kind: "host_key_changed", node: "spark-1" });

    expect(bench.head.hostKey.fingerprint).not.toBe(before);
  });
});

describe("a host that cannot be reached in mid-load", () => {
  test("silent: connections hang, then go on where they were", async () => {
    await using bench = await Bench.start();
    bench.inject({ kind: "unreachable", how: "silent", node: "spark-1", at: HALF });
    await bench.startJob("swap-1", bench.launchWords(SMALL));
    await bench.cluster.until(() => bench.head.network.state === "silent");

    let answered = false;
    const open = bench.exec(["hostname"]).finally(() => {
      answered = true;
    });
    const fresh = await login(bench.head, { readyTimeoutMs: SHORT_MS }).catch((error: Error) => error.message);
    const answeredMeanwhile = answered;
    bench.cluster.clear();

    expect(answeredMeanwhile).toBe(false);
    expect(fresh).toMatch(/timed out/i);
    expect((await open).stdout).toBe("spark-1\n");
    await bench.vllmAnswers();
  });

  test("silent: HTTP hangs", async () => {
    await using bench = await Bench.start();
    await bench.startJob("swap-1", bench.launchWords(SMALL));
    await bench.vllmAnswers();
    bench.inject({ kind: "unreachable", how: "silent", node: "spark-1" });

    const given = await give(fetch(bench.url("/health"), { signal: AbortSignal.timeout(SHORT_MS) }));
    bench.cluster.clear();

    expect(given).not.toBe("answered");
    expect((await fetch(bench.url("/health"))).status).toBe(200);
  });

  test("reset: connections end, new ones are refused; the load goes on and is found after", async () => {
    await using bench = await Bench.start();
    await bench.startJob("swap-1", bench.launchWords(SMALL));
    const client = await bench.client(bench.head);
    const ended = new Promise<void>((resolve) => client.on("close", () => resolve()));

    bench.inject({ kind: "unreachable", how: "reset", node: "spark-1" });
    await ended;
    const refused = await give(login(bench.head));
    bench.cluster.clear();
    await bench.cluster.until(() => bench.head.sshListening);
    await bench.vllmAnswers();

    expect(refused).toBe("ECONNREFUSED");
    expect((await fetch(bench.url("/health"))).status).toBe(200);
    expect((await bench.readJob("swap-1")).fields.state).toBe("running");
  });
});

test("a host is back by itself after the seconds it was told", async () => {
  await using bench = await Bench.start();

  bench.inject({ kind: "unreachable", how: "reset", node: "spark-1", seconds: 30 });
  const atOnce = bench.head.network.state;
  await bench.cluster.until(() => bench.head.sshListening);

  expect(atOnce).toBe("down");
  expect((await bench.exec(["hostname"])).code).toBe(0);
});

describe("a host that reboots in mid-load", () => {
  test("comes back with another boot id, without the model, with its services and the job's record", async () => {
    await using bench = await Bench.start({ services: true });
    bench.inject({ kind: "reboot", node: "spark-2", downSeconds: 60, at: HALF });
    const before = bench.worker.bootId;
    const services = bench.worker.containers().length;
    await bench.startJob("worker-job", ["sleep", "100000"], 1, bench.worker);

    await bench.startJob("swap-1", bench.launchWords("QuantTrio/Qwen3-235B-A22B-Instruct-2507-AWQ", { nodes: 2 }));
    await bench.cluster.until(() => bench.worker.network.state === "down");
    await bench.cluster.until(() => bench.worker.sshListening);
    await bench.jobEnds("swap-1");
    const { stdout } = await bench.exec(["cat", "/proc/sys/kernel/random/boot_id"], bench.worker);

    expect(stdout.trim()).not.toBe(before);
    expect((await bench.readJob("worker-job", 0, 10, bench.worker)).fields.state).toBe("rebooted");
    expect(bench.worker.vllmProcesses()).toEqual([]);
    expect(bench.worker.containers().filter(({ running }) => running)).toHaveLength(services);
    expect((await bench.readJob("swap-1")).fields.exit).toBe("1");
  });

  test("the head: the job is rebooted, not exited", async () => {
    await using bench = await Bench.start();
    bench.inject({ kind: "reboot", node: "spark-1", downSeconds: 60, at: HALF });

    await bench.startJob("swap-1", bench.launchWords(SMALL));
    await bench.cluster.until(() => bench.head.network.state === "down");
    await bench.cluster.until(() => bench.head.sshListening);

    expect((await bench.readJob("swap-1")).fields).toMatchObject({ state: "rebooted", exit: "-" });
    expect(bench.head.containers()).toEqual([]);
  });
});

test("a clock that is an hour off shows in date, and is right again", async () => {
  await using bench = await Bench.start();
  const offset = async () => Math.abs(Number((await bench.exec(["date", "+%s"])).stdout) - Date.now() / 1000);

  bench.inject({ kind: "clock_off", node: "spark-1" });
  const off = await offset();
  bench.cluster.clear();

  expect(off).toBeGreaterThan(3500);
  expect(await offset()).toBeLessThan(60);
});
