/** What is said of a Spark before it has answered for the first time. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Connectivity, type ConnectivityOptions } from "../../../lib/connectivity/connectivity.ts";
import { ConnectivityStore } from "../../../lib/connectivity/connectivity-store.ts";
import { openStore, type Store } from "../../../lib/store/store.ts";

type Found = Awaited<ReturnType<ConnectivityOptions["probe"]>>;

const UP: Found = { verdict: "up", reason: null, certain: true };
const SILENT: Found = { verdict: "no_ssh", reason: "It answers, but not over SSH.", certain: false };

let folder: string;
let store: Store;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "spark-contact-"));
  store = openStore(folder);
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A controller that polls one Spark when it is told to, and finds what the test says. */
function watch(found: () => Found): Connectivity {
  const node = { name: "spark-1", status: "configured", host: "10.77.0.10", ssh_port: 22 };
  const topology = () => ({ nodes: [node] }) as unknown as ReturnType<ConnectivityOptions["topology"]>;
  return new Connectivity({
    store: new ConnectivityStore(store.facts, store.notes),
    intervalMs: 60_000,
    topology,
    now: Date.now,
    probe: async () => found(),
    macOf: async () => null,
    write: () => undefined,
    onChange: () => undefined,
    report: (error) => {
      throw error;
    },
  });
}

test("one silent poll does not make a Spark reachable that has never answered; a second makes it unreachable", async () => {
  const connectivity = watch(() => SILENT);
  const said = [connectivity.state("spark-1").state];

  for (let poll = 0; poll < 2; poll += 1) {
    await connectivity.beat();
    said.push(connectivity.state("spark-1").state);
  }

  await connectivity.close();
  expect(said).toEqual(["unknown", "unknown", "down"]);
});

test("one that has answered stays reachable through a single silent poll", async () => {
  const polls = [UP, SILENT];
  const connectivity = watch(() => polls.shift() ?? UP);
  const said: string[] = [];

  for (let poll = 0; poll < 3; poll += 1) {
    await connectivity.beat();
    said.push(connectivity.state("spark-1").state);
  }

  await connectivity.close();
  expect(said).toEqual(["up", "up", "up"]);
});
