/** Keys and known hosts of the earlier version in a folder without its settings: what is a sign that this version used it, and what not. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { openHostKeys } from "../../../lib/ssh/host-keys.ts";
import { openStore } from "../../../lib/store/store.ts";
import { type Earlier, hostKeyLine, WHOLE } from "./_earlier.ts";
import { earlier, endEach, items, type Started, start, topologyOf } from "./_start.ts";

endEach();
const { "app_settings.json": _, ...WITHOUT_SETTINGS } = WHOLE;
const BY_FORM = "# mine\nnodes: [{ name: spark-1, host: 10.77.0.11, user: alice }]\n";
const placesOf = ({ plane }: Started) => plane.hostKeys.list().map(({ host, port }) => `${host}:${port}`);
const keyOf = ({ plane }: Started) => plane.identity.publicKeyLine.split(" ")[1];
const earlierKeyOf = (from: Earlier) => from.publicKeyLine.split(" ")[1];
const blobOf = (line: string) => Buffer.from(line.split(" ")[1] ?? "", "base64");

describe("a topology.yaml that was written before the first start", () => {
  test("is no sign of use: key and host keys are taken, and it stays byte for byte and holds", async () => {
    const from = earlier({ ...WITHOUT_SETTINGS, "topology.yaml": BY_FORM });
    const started = await start(from);

    expect(keyOf(started)).toBe(earlierKeyOf(from)!);
    expect(placesOf(started)).toEqual(["10.77.0.11:22", "10.77.0.12:2222"]);
    expect(items(started.report, "taken")).toContain("ssh/id_ed25519");
    expect(items(started.report)).toEqual([]);
    expect(readFileSync(join(from.dataDir, "topology.yaml"), "utf8")).toBe(BY_FORM);
    expect(topologyOf(started).nodes).toMatchObject([{ name: "spark-1", host: "10.77.0.11", user: "alice" }]);
  });

  test("known hosts alone, and a key alone beside it, are taken too", async () => {
    const hosts = await start(earlier({ "topology.yaml": BY_FORM, known_hosts: "10.77.0.11 HOSTKEY!\n" }));
    expect(placesOf(hosts)).toEqual(["10.77.0.11:22"]);
    const from = earlier({ "topology.yaml": BY_FORM, ".ssh/id_ed25519": "PRIVATE!" });
    expect(keyOf(await start(from))).toBe(earlierKeyOf(from)!);
  });

  test("a start that was killed before its keys were there is none: the next one takes them", async () => {
    const from = earlier({ ...WITHOUT_SETTINGS, "topology.yaml": BY_FORM });
    openStore(from.dataDir).close();
    const started = await start(from);

    expect(keyOf(started)).toBe(earlierKeyOf(from)!);
  });

  test("nor is one that ended at the key of the environment: what was not taken is told by the next one", async () => {
    const from = earlier({ "topology.yaml": BY_FORM, "ssh/known_hosts": "nonsense\n" });
    await expect(start(from, { SSH_KEY_PATH: "/nowhere/id_ed25519" })).rejects.toThrow();

    expect(items((await start(from)).report)).toEqual(["ssh/known_hosts"]);
  });

  test("a key that the environment names is used where it is; those of before stay, and are told", async () => {
    const from = earlier(WHOLE);
    const started = await start(from, { SSH_KEY_PATH: join(from.dataDir, "ssh/id_ed25519") });

    expect(items(started.report, "kept")).toEqual(
      expect.arrayContaining(["ssh/id_ed25519", "app_settings.json SSH_KEY_PATH"]),
    );
    expect(existsSync(join(from.dataDir, "id_ed25519"))).toBe(false);
  });

  test("a key that the environment names is no sign of the earlier version", async () => {
    const from = earlier({ "topology.yaml": BY_FORM, "ssh/id_ed25519": "PRIVATE!" });
    const started = await start(from, { SSH_KEY_PATH: join(from.dataDir, "ssh/id_ed25519") });

    expect([started.report, keyOf(started)]).toEqual([null, earlierKeyOf(from)]);
    expect(existsSync(join(from.dataDir, "id_ed25519"))).toBe(false);
  });
});

describe("what is there already", () => {
  test("a host key that is pinned stays: the earlier known hosts do not replace it", async () => {
    const from = earlier({ "app_settings.json": "{}", known_hosts: "10.77.0.11 HOSTKEY!\n10.77.0.12 HOSTKEY!\n" });
    const pins = openHostKeys({ file: join(from.dataDir, "known_hosts.json") });
    const { key } = pins.pin("10.77.0.11", 22, blobOf(hostKeyLine()));
    const { plane, report } = await start(from);

    expect(plane.hostKeys.pinned("10.77.0.11", 22)?.key).toBe(key);
    expect(items(report, "kept")).toEqual(["known_hosts 10.77.0.11"]);
    expect(items(report, "taken")).toContain("known_hosts 10.77.0.12");
  });

  test("a key in its place that everybody may read is its owner's only afterwards", async () => {
    const from = earlier({ "app_settings.json": "{}", id_ed25519: "PRIVATE!" });
    expect(statSync(join(from.dataDir, "id_ed25519")).mode & 0o777).toBe(0o644);
    const started = await start(from);

    expect(keyOf(started)).toBe(earlierKeyOf(from)!);
    expect(statSync(join(from.dataDir, "id_ed25519")).mode & 0o777).toBe(0o600);
  });
});

describe("a folder that this version used", () => {
  test("what is put there afterwards is not taken", async () => {
    const from = earlier({ "topology.yaml": BY_FORM });
    const first = await start(from);
    const key = keyOf(first);
    await first.close();
    const later = earlier(WITHOUT_SETTINGS);
    for (const name of ["id_ed25519", "known_hosts"])
      await Bun.write(join(from.dataDir, "ssh", name), readFileSync(join(later.dataDir, "ssh", name)));
    const second = await start(from);

    expect([second.report, keyOf(second), placesOf(second)]).toEqual([null, key, []]);
    expect(existsSync(join(from.dataDir, "upgrade-report.json"))).toBe(false);
  });
});
