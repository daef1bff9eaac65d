import { describe, expect, test } from "bun:test";
import { Bench, INSTANCE } from "./bench.ts";

const OTHER = "0191d9c4-0000-7000-8000-00000000b0b0";
const HERE = { home: "" };

describe("spark-job-start", () => {
  test("starts once; the same id again has existed", async () => {
    await using bench = await Bench.start();

    const answers = [await bench.startJob("a", ["hostname"]), await bench.startJob("a", ["hostname"])];

    expect(answers.map(({ stdout, code }) => [stdout, code])).toEqual([
      ["started\n", 0],
      ["existed\n", 0],
    ]);
  });

  test("refuses a lower generation and another instance with exit 75", async () => {
    await using bench = await Bench.start();
    await bench.startJob("a", ["hostname"], 7);

    const lower = await bench.startJob("b", ["hostname"], 6);
    const other = await bench.script("spark-job-start", ["c", "8", OTHER, HERE, "hostname"]);

    expect([lower.stdout, lower.code]).toEqual(["fenced generation 7\n", 75]);
    expect([other.stdout, other.code]).toEqual([`fenced instance ${INSTANCE}\n`, 75]);
    expect((await bench.script("spark-job-list", [])).stdout).toBe("a 7 exited\n");
  });

  test("needs the folder", async () => {
    await using bench = await Bench.start();

    const { code, stderr } = await bench.script("spark-job-start", [
      "a",
      "1",
      INSTANCE,
      { home: "nowhere" },
      "hostname",
    ]);

    expect(code).toBe(72);
    expect(stderr).toBe("no such folder: /home/spark/nowhere\n");
  });
});

describe("spark-job-read", () => {
  test("a missing job is absent", async () => {
    await using bench = await Bench.start();

    const { stdout } = await bench.script("spark-job-read", ["none", "0", "100"]);

    expect(stdout).toBe("state absent\nexit -\npid -\ngeneration -\nsize 0\nstart 0\n\n");
  });

  test("gives the bytes asked for and the exit code", async () => {
    await using bench = await Bench.start();
    await bench.startJob("a", ["echo", "0123456789"]);
    await bench.jobEnds("a");

    const { fields, log } = await bench.readJob("a", 3, 4);

    expect(fields).toMatchObject({ state: "exited", exit: "0", size: "11", start: "3" });
    expect(log).toBe("3456");
  });

  test("an unknown program ends with 127", async () => {
    await using bench = await Bench.start();
    await bench.startJob("a", ["env", "A=b", "no-such-program"]);
    await bench.jobEnds("a");

    expect((await bench.readJob("a")).fields.exit).toBe("127");
  });
});

test("the fence shows instance and generation, and is taken over only from the instance that is expected", async () => {
  await using bench = await Bench.start();
  const fresh = await bench.script("spark-fence-read", []);
  await bench.startJob("a", ["hostname"], 7);

  const wrong = await bench.script("spark-fence-take-over", [OTHER, OTHER.replace("b0b0", "c0c0")]);
  const right = await bench.script("spark-fence-take-over", [INSTANCE, OTHER]);
  const after = await bench.script("spark-fence-read", []);

  expect(fresh.stdout).toBe("\n0\n");
  expect([wrong.stdout, wrong.code]).toEqual([`fenced instance ${INSTANCE}\n`, 75]);
  expect([right.stdout, right.code]).toEqual(["", 0]);
  expect(after.stdout).toBe(`${OTHER}\n7\n`);
});

test("spark-job-kill kills what runs, and only that", async () => {
  await using bench = await Bench.start({ speed: 1 });
  await bench.startJob("a", ["sleep", "600"]);

  const answers = [await bench.script("spark-job-kill", ["a"]), await bench.script("spark-job-kill", ["a"])];

  expect(answers.map(({ stdout }) => stdout)).toEqual(["killed\n", "not running\n"]);
  expect((await bench.readJob("a")).fields.state).toBe("vanished");
});

test("spark-job-list is newest first", async () => {
  await using bench = await Bench.start();
  for (const [at, id] of ["01-a", "02-b", "03-c"].entries()) {
    await bench.startJob(id, ["hostname"], at + 1);
    await bench.jobEnds(id);
  }

  const { stdout } = await bench.script("spark-job-list", []);

  expect(stdout).toBe("03-c 3 exited\n02-b 2 exited\n01-a 1 exited\n");
});

test("the log keeper gives up when no container comes", async () => {
  await using bench = await Bench.start();
  await bench.startJob("a", ["sh", "-c", "TEXT", "spark-log-keeper", "vllm_node", "30"]);
  await bench.jobEnds("a");

  const { fields, log } = await bench.readJob("a");

  expect(fields.exit).toBe("1");
  expect(log).toBe("container vllm_node did not appear within 30 s\n");
});
