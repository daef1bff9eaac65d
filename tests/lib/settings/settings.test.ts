import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Value } from "@sinclair/typebox/value";
import { Fault } from "../../../lib/fault.ts";
import { createSettings, type SettingsDesk, SettingsSchema } from "../../../lib/settings/settings.ts";

const NODES = "nodes:\n  - host: 10.77.0.11\n    user: alice\n  - host: 10.77.0.12\n    user: alice\n";
let dataDir: string;
let reloads = 0;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "settings-"));
  reloads = 0;
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const desk = (env: Record<string, string> = {}): SettingsDesk =>
  createSettings({ dataDir, env, reload: () => (reloads += 1), mayChange: () => undefined });
const path = (name: string) => join(dataDir, name);
const write = (name: string, text: string) => writeFileSync(path(name), text);
const read = (name: string) => (existsSync(path(name)) ? readFileSync(path(name), "utf8") : null);
const settingOf = (of: SettingsDesk, key: string) => of.view().settings.find((each) => each.key === key);
const fieldOf = (of: SettingsDesk, service: string, key: string) =>
  of
    .view()
    .services.find(({ name }) => name === service)
    ?.fields.find((each) => each.key === key);
const faultOf = (work: () => unknown): Fault => {
  try {
    work();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error("nothing was refused");
};

describe("settings of the cluster", () => {
  test("a change of what the file has wrong can be taken back: to the default, which held", () => {
    write("topology.yaml", `${NODES}settings:\n  probe_seconds: often\n`);
    const its = desk();
    expect(settingOf(its, "probe_seconds")).toMatchObject({ value: 10 });

    const { undo } = its.change({ values: { probe_seconds: 5 } });
    its.change(undo);

    expect(settingOf(its, "probe_seconds")).toMatchObject({ value: 10, from: "default" });
  });

  test("each says what it is, what it may be and where its value comes from", () => {
    write("topology.yaml", `${NODES}settings:\n  stall_seconds: 300\n  allowed_hosts: [ai.example]\n`);
    const its = desk({ ALLOWED_HOSTS: "spark.example" });

    expect(Value.Check(SettingsSchema, its.view())).toBe(true);
    expect(settingOf(its, "stall_seconds")).toMatchObject({
      kind: "whole",
      minimum: 30,
      maximum: 7200,
      default: 600,
      value: 300,
      from: "file",
    });
    expect(settingOf(its, "load_limit_seconds")).toMatchObject({ value: 3600, file_value: null, from: "default" });
    expect(settingOf(its, "allowed_hosts")).toMatchObject({
      kind: "list",
      value: ["ai.example", "spark.example"],
      file_value: ["ai.example"],
      environment: { variable: "ALLOWED_HOSTS", value: ["spark.example"] },
      from: "file and environment",
    });
  });

  test("a change is written beside what was there, taken up, and taken back by its undo", () => {
    write("topology.yaml", `# mine\n${NODES}`);
    const its = desk();
    const changed = its.change({ values: { stall_seconds: 900, cors_origins: ["http://app.local:3000"] } });

    expect(read("topology.yaml")).toStartWith(`# mine\n${NODES}settings:\n  stall_seconds: 900\n`);
    expect(changed.settings.find(({ key }) => key === "stall_seconds")).toMatchObject({ value: 900, from: "file" });
    expect(reloads).toBe(1);

    its.change(changed.undo);
    expect(read("topology.yaml")).toBe(`# mine\n${NODES}`);
    expect(reloads).toBe(2);
  });

  test.each([
    [{ stall_seconds: 5 }, "/values/stall_seconds", "whole number from 30 to 7200"],
    [{ stall_seconds: "600" }, "/values/stall_seconds", "whole number"],
    [{ allowed_hosts: ["ok.example", "*.example"] }, "/values/allowed_hosts/1", "wildcard"],
    [{ cors_origins: "http://a" }, "/values/cors_origins", "a list"],
    [{ colour: "blue" }, "/values/colour", 'no setting "colour"'],
    [{ load_limit_seconds: 900, stall_seconds: 1 }, "/values/stall_seconds", "whole number"],
  ])("malformed: %j writes nothing", (values, where, why) => {
    const refused = faultOf(() => desk().change({ values: values as Record<string, string> }));

    expect(refused).toMatchObject({ kind: "invalid", code: "malformed_setting" });
    expect(refused.message).toContain(why);
    expect(refused.members.errors).toMatchObject([{ path: where, in: "body" }]);
    expect(read("topology.yaml")).toBeNull();
    expect(reloads).toBe(0);
  });

  test("of two who read the same, the second is told, and nothing is lost", () => {
    const its = desk();
    const { version } = its.view();
    its.change({ values: { stall_seconds: 900 }, version });
    const refused = faultOf(() => its.change({ values: { stall_seconds: 1200 }, version }));

    expect(refused).toMatchObject({ kind: "conflict", code: "changed_meanwhile" });
    expect(settingOf(its, "stall_seconds")).toMatchObject({ value: 900 });
  });

  test("a file that cannot be kept or read is not written over", () => {
    for (const text of ["nodes: [", "- 1\n"]) {
      write("topology.yaml", text);
      const refused = faultOf(() => desk().change({ values: { stall_seconds: 900 } }));
      expect(refused).toMatchObject({ kind: "conflict", code: "file_unusable" });
      expect(read("topology.yaml")).toBe(text);
    }
    write("topology.yaml", "");
    writeFileSync(path("topology.yaml"), new Uint8Array([0xff, 0xfe, 0x00]));
    expect(faultOf(() => desk().view())).toMatchObject({ code: "file_unusable" });
  });

  test("the file keeps its mode", () => {
    write("topology.yaml", NODES);
    chmodSync(path("topology.yaml"), 0o600);
    desk().change({ values: { stall_seconds: 900 } });

    expect(Bun.file(path("topology.yaml")).stat()).resolves.toMatchObject({ mode: 0o100600 });
  });
});

describe("settings of services", () => {
  beforeEach(() => write("topology.yaml", NODES));

  test("a usual one is changed, hidden, and put back", () => {
    const its = desk();
    expect(fieldOf(its, "kokoro", "port")).toMatchObject({ value: 8880, from: "default", file_value: null });
    const changed = its.changeService("kokoro", { values: { port: 8881, disabled: true } });

    expect(read("services-overrides.yaml")).toBe("services:\n  kokoro:\n    port: 8881\n    disabled: true\n");
    expect(fieldOf(its, "kokoro", "port")).toMatchObject({ value: 8881, from: "file" });

    its.removeService("kokoro");
    expect(fieldOf(its, "kokoro", "port")).toMatchObject({ value: 8880, from: "default" });
    expect(changed.undo.values).toEqual({ port: null, disabled: null });
  });

  test("a new one is added and removed; removing it can be taken back", () => {
    const its = desk();
    its.changeService("chat-2", { values: { kind: "vllm", node: "spark-2", port: 8889 } });
    expect(its.view().services.find(({ name }) => name === "chat-2")).toMatchObject({ kind: "vllm", usual: false });

    const removed = its.removeService("chat-2");
    expect(its.view().services.some(({ name }) => name === "chat-2")).toBe(false);
    its.changeService("chat-2", removed.undo);
    expect(fieldOf(its, "chat-2", "port")).toMatchObject({ value: 8889 });
    expect(faultOf(() => its.removeService("chat-3"))).toMatchObject({ kind: "not_found" });
  });

  test("one whose entry a person has commented is removed with its comments, and nothing else", () => {
    write(
      "services-overrides.yaml",
      "# Ours.\nservices:\n  chat-2:\n    # the small one\n    kind: vllm # of Bob\n    node: spark-2\n    port: 8889\n  # louder\n  kokoro: { port: 8881 }\n",
    );
    const its = desk();

    its.removeService("chat-2");

    expect(its.view().services.some(({ name }) => name === "chat-2")).toBe(false);
    expect(read("services-overrides.yaml")).toBe("# Ours.\nservices:\n  # louder\n  kokoro: {port: 8881}\n");
  });

  test.each([
    ["kokoro", { port: 0 }, "whole number from 1 to 65535"],
    ["kokoro", { host: "a;b" }, "The value"],
    ["kokoro", { node: "spark-9" }, 'no node named "spark-9"'],
    ["kokoro", { kind: "asr" }, "for good"],
    ["new", { port: 8001 }, "has no kind"],
    ["new", { kind: "http" }, "has no port"],
    ["Bad Name", { kind: "vllm" }, "The name"],
    ["kokoro", { password: "x" }, 'no "password"'],
  ])("malformed: %s %j writes nothing", (name, values, why) => {
    const refused = faultOf(() => desk().changeService(name, { values: values as Record<string, string> }));

    expect(refused).toMatchObject({ kind: "invalid", code: "malformed_setting" });
    expect(refused.message).toContain(why);
    expect(read("services-overrides.yaml")).toBeNull();
  });

  test("what the environment decides is shown as such and not changed here", () => {
    const its = desk({ KOKORO_PORT: "9000", DISABLED_SERVICES: "Qdrant" });

    expect(fieldOf(its, "kokoro", "port")).toMatchObject({ value: 9000, variable: "KOKORO_PORT", from: "environment" });
    expect(fieldOf(its, "qdrant", "disabled")).toMatchObject({ value: true, variable: "DISABLED_SERVICES" });
    for (const [name, values] of [
      ["kokoro", { port: 8881 }],
      ["qdrant", { disabled: false }],
    ] as const)
      expect(faultOf(() => its.changeService(name, { values }))).toMatchObject({ code: "set_by_environment" });
  });
});

test("a secret of the environment is said to be set, and no more", () => {
  const { environment } = desk({
    WEBHOOK_SECRET: "hunter2!",
    WEBHOOK_URL: "http://10.0.0.1/key-4711",
    PORT: "9998",
  }).view();

  expect(environment.find(({ name }) => name === "WEBHOOK_SECRET")).toMatchObject({ is_set: true, value: null });
  expect(environment.find(({ name }) => name === "PORT")).toMatchObject({ is_set: true, value: "9998" });
  expect(JSON.stringify(environment)).not.toMatch(/hunter2|4711/);
});
