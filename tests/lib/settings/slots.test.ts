/** Slots as settings: each field with its origin, changed, added and removed in topology.yaml. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Value } from "@sinclair/typebox/value";
import { Fault } from "../../../lib/fault.ts";
import { createSettings, SettingsSchema } from "../../../lib/settings/settings.ts";
import type { Place } from "../../../lib/topology/lost-places.ts";

const NODES =
  "# Ours.\nnodes:\n  - {name: spark-1, host: 10.77.0.11, user: alice}\n  - {name: spark-2, host: 10.77.0.12, user: alice}\n";
let dataDir: string;
let asked: Place[];
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "slot-settings-"));
  asked = [];
  write(NODES);
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const file = () => join(dataDir, "topology.yaml");
const write = (text: string) => writeFileSync(file(), text);
const text = () => readFileSync(file(), "utf8");
const desk = (env: Record<string, string> = {}, mayChange = (place: Place) => void asked.push(place)) =>
  createSettings({ dataDir, env, reload: () => undefined, mayChange });
type Its = ReturnType<typeof desk>;
const names = (its: Its) => its.view().slots.map(({ name }) => name);
const fieldOf = (its: Its, slot: string, key: string) =>
  its
    .view()
    .slots.find(({ name }) => name === slot)
    ?.fields.find((each) => each.key === key);
function refused(work: () => unknown): Fault {
  try {
    work();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error("it was not refused");
}

test("without any in the file there is main over all Sparks, as it is by default", () => {
  const its = desk({ VLLM_PORT: "9000" });

  expect(Value.Check(SettingsSchema, its.view())).toBe(true);
  expect(names(its)).toEqual(["main"]);
  expect(fieldOf(its, "main", "nodes")).toMatchObject({
    value: ["spark-1", "spark-2"],
    file_value: null,
    from: "default",
  });
  expect(fieldOf(its, "main", "port")).toMatchObject({ value: 9000, variable: "VLLM_PORT", from: "environment" });
});

test("a second one is added beside main, which stays; adding it can be taken back", () => {
  const its = desk();

  const { undo } = its.changeSlot("second", { values: { nodes: ["spark-2"], port: 8889, container: "vllm_second" } });

  expect(names(its)).toEqual(["main", "second"]);
  expect(text()).toBe(
    `${NODES}slots:\n  - name: main\n  - name: second\n    nodes:\n      - spark-2\n    port: 8889\n    container: vllm_second\n`,
  );
  expect(fieldOf(its, "second", "port")).toMatchObject({ value: 8889, file_value: 8889, from: "file" });
  expect(asked).toEqual([]);

  its.changeSlot("second", undo);
  expect(names(its)).toEqual(["main"]);
});

test("a field is changed in its place, and taken out again; comments stay", () => {
  write(`${NODES}slots:\n  # the big one\n  - name: main # over both\n    port: 8888\n`);
  const its = desk();

  const { undo } = its.changeSlot("main", { values: { port: 8890 } });
  expect(text()).toBe(`${NODES}slots:\n  # the big one\n  - name: main # over both\n    port: 8890\n`);
  expect(asked).toEqual([{ slot: "main", nodes: ["spark-1", "spark-2"] }]);

  its.changeSlot("main", undo);
  expect(fieldOf(its, "main", "port")).toMatchObject({ file_value: 8888 });
});

test("one is removed, and comes back with what it had", () => {
  write(
    `${NODES}slots:\n  - nodes: [spark-1]\n  - nodes: [spark-2]\n    port: 8889\n  - nodes: [spark-2]\n    port: 8890\n`,
  );
  const its = desk();
  expect(names(its)).toEqual(["main", "slot-2", "slot-3"]);

  const { undo } = its.removeSlot("slot-2");

  // Those that had no name keep the one that they were called by.
  expect(names(its)).toEqual(["main", "slot-3"]);
  expect(asked).toEqual([{ slot: "slot-2", nodes: ["spark-2"] }]);
  its.changeSlot("slot-2", undo);
  expect(fieldOf(its, "slot-2", "port")).toMatchObject({ value: 8889 });
  expect(refused(() => its.removeSlot("nobody")).kind).toBe("not_found");
});

test("what is malformed, or makes no slot, writes nothing", () => {
  const its = desk({ VLLM_IMAGE: "acme" });
  const wrong: [string, Record<string, unknown>, string][] = [
    ["second", { port: 0, nodes: ["spark-1"] }, "malformed_setting"],
    ["second", { port: 8889 }, "malformed_setting"],
    ["second", { nodes: ["spark-9"] }, "malformed_setting"],
    ["second", { nodes: ["spark-1"], container: "a;b" }, "malformed_setting"],
    ["Bad Name", { nodes: ["spark-1"] }, "malformed_setting"],
    ["main", { name: "other" }, "malformed_setting"],
    ["main", { image: "other" }, "set_by_environment"],
  ];
  expect(wrong.map(([name, values]) => refused(() => its.changeSlot(name, { values: values as never })).code)).toEqual(
    wrong.map(([, , code]) => code),
  );
  expect(text()).toBe(NODES);
});

test("a place that is reserved stays where it is, and so does a file that changed meanwhile", () => {
  const reserved = new Fault("locked", "reserved", "Reserved by Bob.");
  const its = desk({}, () => {
    throw reserved;
  });

  expect(refused(() => its.changeSlot("main", { values: { nodes: ["spark-1"] } }))).toBe(reserved);
  expect(refused(() => its.changeSlot("main", { values: { port: 1 }, version: "old" })).code).toBe("changed_meanwhile");
  expect(text()).toBe(NODES);
});
