/** Saving and its refusals, with real files. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Fault } from "../../../lib/fault.ts";
import type { SetupEntries } from "../../../lib/setup/settings.ts";
import { createSetup, type Setup } from "../../../lib/setup/setup.ts";
import { openHostKeys } from "../../../lib/ssh/host-keys.ts";
import { generateKeyPair } from "../../../lib/ssh/key-pair.ts";

const ALICE = { name: "spark-1", host: "10.77.0.11", user: "alice" };
const BOB = { name: "spark-2", host: "10.77.0.12", user: "alice" };
const identity = generateKeyPair("spark-control");

let dataDir: string;
let reloads: number;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "spark-save-"));
  reloads = 0;
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const file = () => join(dataDir, "topology.yaml");
const text = () => readFileSync(file(), "utf8");
const setup = (env: Record<string, string> = {}): Setup =>
  createSetup({
    dataDir,
    env,
    identity,
    hostKeys: openHostKeys({ file: join(dataDir, "known_hosts.json") }),
    instance: "this-one",
    now: Date.now,
    renew: () => undefined,
    mayChange: () => undefined,
    reload: () => {
      reloads += 1;
    },
  });

/** What is refused, as code and the fields that it names. */
function refusal(of: Setup, entries: SetupEntries): { code: string; paths: string[]; message: string } {
  try {
    of.save(entries, false);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const errors = (error.members.errors ?? []) as { path: string }[];
    return { code: error.code, paths: errors.map(({ path }) => path), message: error.message };
  }
  throw new Error("it was saved");
}

describe("saving", () => {
  test("writes the file, takes it up, and shows the values with where they come from", () => {
    const settings = setup().save({ nodes: [ALICE, BOB] }, false);

    expect(reloads).toBe(1);
    expect(settings.nodes.map(({ name, reason }) => [name, reason])).toEqual([
      ["spark-1", null],
      ["spark-2", null],
    ]);
    expect(settings.nodes[0]!.settings.host).toEqual({ value: "10.77.0.11", from: "file", variable: null });
    expect(settings.nodes[0]!.settings.ssh_port).toEqual({ value: 22, from: "default", variable: null });
    expect(setup().settings()).toEqual(settings);
    expect(readdirSync(dataDir)).toEqual(["topology.yaml"]);
  });

  test("a trial writes nothing", () => {
    const settings = setup().save({ nodes: [ALICE] }, true);

    expect(settings.nodes[0]!.settings.user.value).toBe("alice");
    expect(existsSync(file())).toBe(false);
    expect(reloads).toBe(0);
  });

  test("the same once more writes nothing", () => {
    setup().save({ nodes: [ALICE] }, false);
    const { ino } = statSync(file());

    setup().save({ nodes: [ALICE] }, false);

    expect(statSync(file()).ino).toBe(ino);
    expect(reloads).toBe(1);
  });

  test("through a link the file behind it is replaced, and keeps its mode", () => {
    mkdirSync(join(dataDir, "real"));
    writeFileSync(join(dataDir, "real/t.yaml"), "# here\n", { mode: 0o600 });
    chmodSync(join(dataDir, "real/t.yaml"), 0o600);
    symlinkSync("real/t.yaml", file());

    setup().save({ nodes: [ALICE] }, false);

    expect(readFileSync(join(dataDir, "real/t.yaml"), "utf8")).toContain("10.77.0.11");
    expect(text()).toStartWith("# here\n");
    expect(statSync(file()).mode & 0o777).toBe(0o600);
  });
});

describe("what is malformed is refused with its field, and nothing is written", () => {
  const cases: readonly (readonly [string, SetupEntries, string[]])[] = [
    ["a host with an option", { nodes: [{ ...ALICE, host: "-oProxyCommand=id" }] }, ["/nodes/0/host"]],
    [
      "a user with a blank, a path outside",
      { nodes: [ALICE, { ...BOB, user: "al ice", launch_dir: "~/../x" }] },
      ["/nodes/1/user", "/nodes/1/launch_dir"],
    ],
    ["nothing", { nodes: [{ name: "spark-1", host: " ", user: null }] }, ["/nodes/0/host", "/nodes/0/user"]],
    ["a port", { nodes: [{ ...ALICE, ssh_port: 0 }] }, ["/nodes/0/ssh_port"]],
    ["an address that is none", { nodes: [{ ...ALICE, address: "fd00::1" }] }, ["/nodes/0/address"]],
    ["interfaces", { nodes: [{ ...ALICE, eth_if: "eth0;id", ib_if: "a,,b" }] }, ["/nodes/0/eth_if", "/nodes/0/ib_if"]],
    ["a name", { nodes: [{ ...ALICE, name: "Spark 1" }] }, ["/nodes/0/name"]],
    ["one name twice", { nodes: [ALICE, { ...BOB, name: "spark-1" }] }, ["/nodes/1/name"]],
    ["one machine twice", { nodes: [ALICE, { ...BOB, host: ALICE.host }] }, ["/nodes/1/host"]],
    [
      "vLLM",
      { nodes: [ALICE], vllm: { port: 70_000, container: "-x", image: "A B" } },
      ["/vllm/port", "/vllm/container", "/vllm/image"],
    ],
  ];
  for (const [what, entries, paths] of cases)
    test(what, () => {
      const { code, paths: named, message } = refusal(setup(), entries);

      expect({ code, named }).toEqual({ code: "malformed_setting", named: paths });
      expect(message).toMatch(/^The |^There are two/);
      expect(readdirSync(dataDir)).toEqual([]);
      expect(reloads).toBe(0);
    });

  test("a Spark that another slot still needs", () => {
    setup().save({ nodes: [ALICE, BOB] }, false);
    writeFileSync(file(), `${text()}slots:\n  - name: second\n    nodes: [spark-2]\n`);
    const before = text();

    expect(refusal(setup(), { nodes: [ALICE] }).message).toBe('There is no node named "spark-2".');
    expect(text()).toBe(before);
  });

  test("problems that were there before do not hinder", () => {
    writeFileSync(file(), "settings:\n  stall_seconds: soon\n");

    setup().save({ nodes: [ALICE] }, false);

    expect(text()).toContain("stall_seconds: soon");
  });
});

describe("the environment", () => {
  const env = { SPARK1_HOST: "10.77.0.99", SPARK1_USER: "root1", VLLM_PORT: "9000" };

  test("shows its values as its own", () => {
    const { nodes, vllm } = setup(env).settings();

    expect(nodes[0]!.settings.host).toEqual({ value: "10.77.0.99", from: "environment", variable: "SPARK1_HOST" });
    expect(vllm.port).toEqual({ value: 9000, from: "environment", variable: "VLLM_PORT" });
  });

  test("cannot be overridden by the file, and says so", () => {
    const { code, paths, message } = refusal(setup(env), { nodes: [ALICE], vllm: { port: 8000 } });

    expect(code).toBe("set_by_environment");
    expect(paths).toEqual(["/nodes/0/host", "/nodes/0/user", "/vllm/port"]);
    expect(message).toBe(
      "The address of spark-1 is set by the environment variable SPARK1_HOST. Change it there, or unset it.",
    );
  });

  test("a Spark that it sets cannot be removed", () => {
    expect(refusal(setup(env), { nodes: [{ ...BOB, name: "spark-2" }] }).code).toBe("set_by_environment");
  });

  test("the same value, or none, goes through and is not written down", () => {
    setup(env).save({ nodes: [{ name: "spark-1", host: "10.77.0.99", user: "", launch_dir: "/opt/x" }, BOB] }, false);

    expect(text()).not.toContain("10.77.0.99");
    expect(
      setup(env)
        .settings()
        .nodes.map(({ reason }) => reason),
    ).toEqual([null, null]);
    expect(setup(env).settings().nodes[0]!.settings.launch_dir.value).toBe("/opt/x");
  });
});

describe("a file that cannot be kept or written", () => {
  test.each([["nodes: ["], ["- a\n"], ["nodes: here\n"]])("is left alone: %j", (broken) => {
    writeFileSync(file(), broken);

    expect(refusal(setup(), { nodes: [ALICE] }).code).toBe("topology_unusable");
    expect(text()).toBe(broken);
  });

  test("does not hinder a check", () => {
    writeFileSync(file(), "nodes: [");

    expect(typeof setup().check({ nodes: [ALICE] })).toBe("function");
  });

  test("a folder in its place", () => {
    mkdirSync(file());

    expect(refusal(setup(), { nodes: [ALICE] }).message).toContain("not a regular file");
  });

  test("no room for the new one", () => {
    mkdirSync(`${file()}.tmp`);

    const { code, message } = refusal(setup(), { nodes: [ALICE] });

    expect(code).toBe("file_not_written");
    expect(message).toContain("EISDIR");
    expect(existsSync(file())).toBe(false);
  });
});
