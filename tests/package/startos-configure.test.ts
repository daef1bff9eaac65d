/** Configure Sparks: what it writes is what the controller reads, and what it refuses. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import fc from "fast-check";
import { invalidContainerName, invalidHost, invalidUserName } from "../../lib/config/validate.ts";
import { loadTopology } from "../../lib/topology/load-topology.ts";
import { isUsableSecret } from "../../lib/webhook/sign.ts";
import { urlRefusal } from "../../lib/webhook/url-rule.ts";
import type { Loaded } from "./_startos.ts";
import { useStartos } from "./_startos-bench.ts";
import { BLANK, WHOLE } from "./_startos-form.ts";

setDefaultTimeout(180_000);

const bench = useStartos();
const { volumeFile, read, write, action, run } = bench;

const webhook = () => JSON.parse(read("startos-webhook.json"));
const topology = () => {
  const text = (name: string) => (existsSync(volumeFile(name)) ? { name, text: read(name) } : undefined);
  return loadTopology({
    files: { topology: text("topology.yaml"), services: text("services-overrides.yaml") },
    env: {},
  });
};

describe("Configure Sparks", () => {
  test("writes what the controller reads, and shows it again without the secret", async () => {
    await run("configure-sparks", WHOLE);

    expect(topology().problems).toEqual([]);
    expect(topology().nodes).toMatchObject([
      { name: "spark-1", host: "10.77.0.11", user: "alice", status: "configured" },
      { name: "spark-2", host: "10.77.0.12", user: "alice", status: "configured" },
    ]);
    expect(topology().slots).toMatchObject([
      { name: "main", port: 8899, container: "vllm_big", nodes: ["spark-1", "spark-2"] },
    ]);
    const services = Object.fromEntries(topology().services.map((service) => [service.name, service]));
    expect([services.kokoro?.disabled, services.parakeet?.disabled]).toEqual([true, false]);
    expect(services["matrix-bridge"]).toMatchObject({ disabled: false, bot: { user: "bob" } });
    expect(webhook()).toEqual({ url: "http://10.77.0.30/hook", secret: "s3cret", wanted: true });

    const it = await action("configure-sparks");
    const { value } = await it.getInput({ effects: bench.fake.effects, prefill: null });
    expect(value).toMatchObject({ ...WHOLE, webhookSecret: null });
    expect(JSON.stringify(value)).not.toContain("s3cret");
  });

  test("blank means the default: nothing is made up, what was set is taken back, the rest of the file stays", async () => {
    write(
      "topology.yaml",
      "# mine\nnodes:\n  - { name: spark-1, host: 10.77.0.1, user: carol, launch_dir: ~/elsewhere } # head\nsettings: { stall_seconds: 900 }\n",
    );
    await run("configure-sparks", WHOLE);
    await run("configure-sparks", {
      ...WHOLE,
      ...{ vllmPort: null, vllmContainer: "  ", hiddenServices: [], matrixUser: "" },
    });

    expect(topology().problems).toEqual([]);
    expect(topology().slots).toMatchObject([{ port: 8888, container: "vllm_node" }]);
    expect(topology().nodes[0]).toMatchObject({ host: "10.77.0.11", launch_dir: "~/elsewhere" });
    expect(topology().settings.stall_seconds).toBe(900);
    expect(read("topology.yaml")).toStartWith("# mine\n");
    expect(topology().services.find(({ name }) => name === "kokoro")?.disabled).toBe(false);
    expect(topology().services.find(({ name }) => name === "matrix-bridge")?.disabled).toBe(true);
  });

  test("comments of sections that had nothing else in them stay", async () => {
    const topologyText = "nodes:\n  # - name: spark-1 # rack 2\nslots: # later: two\n";
    const servicesText = "services:\n  # kokoro: { port: 8001 }\n";
    write("topology.yaml", topologyText);
    write("services-overrides.yaml", servicesText);
    await run("configure-sparks", WHOLE);

    for (const comment of topologyText.match(/#.*/g) ?? []) expect(read("topology.yaml")).toContain(comment);
    expect(read("services-overrides.yaml")).toContain("# kokoro: { port: 8001 }");
    expect(topology().nodes).toHaveLength(2);
    expect(topology().slots).toMatchObject([{ name: "main", port: 8899 }]);
  });

  test("a blank form writes no Spark, and a blank secret keeps the one that there is", async () => {
    await run("configure-sparks", BLANK);
    expect(topology().nodes).toEqual([]);
    expect(topology().problems).toEqual([]);

    await run("configure-sparks", WHOLE);
    await run("configure-sparks", { ...WHOLE, webhookSecret: "" });
    expect(webhook()).toMatchObject({ secret: "s3cret", wanted: true });
    await run("configure-sparks", { ...WHOLE, webhookUrl: null });
    expect(webhook()).toEqual({ url: null, secret: null, wanted: true });
  });

  test("a webhook that the dashboard has changed meanwhile is shown, and a form that leaves it takes nothing back", async () => {
    await run("configure-sparks", WHOLE);
    // As the controller writes it back.
    const changed = { url: "http://10.77.0.31/other", secret: null, wanted: false };
    write("startos-webhook.json", JSON.stringify(changed));

    const it = await action("configure-sparks");
    const { value } = await it.getInput({ effects: bench.fake.effects, prefill: null });
    expect(value.webhookUrl).toBe("http://10.77.0.31/other");
    await run("configure-sparks", value);
    expect(webhook()).toEqual(changed);
    await run("configure-sparks", { ...value, webhookSecret: "n3w" });
    expect(webhook()).toEqual({ ...changed, secret: "n3w", wanted: true });
  });

  const shown = async (): Promise<Loaded> =>
    (await (await action("configure-sparks")).getInput({ effects: bench.fake.effects, prefill: null })).value;
  const bridge = () => {
    const found = topology().services.find(({ name }) => name === "matrix-bridge");
    return [found?.disabled, found?.bot?.user ?? null];
  };
  const HIDDEN = "services:\n  matrix-bridge:\n    disabled: true # for now\n    user: bob\n";
  const STAYS = "The Matrix bridge is hidden: it is among the services to hide.";
  const AGAIN = "The Matrix bridge is shown again, because you entered a user.";

  test("a bridge that the file hides is among the services to hide, and a form that is left as it is keeps it so", async () => {
    write("services-overrides.yaml", HIDDEN);
    const value = await shown();
    expect([value.hiddenServices, value.matrixUser]).toEqual([["matrix-bridge"], "bob"]);

    expect((await run("configure-sparks", value)).message).toContain(STAYS);
    expect(read("services-overrides.yaml")).toBe(HIDDEN);
  });

  test("taken out of the services to hide it is shown again with its user; put among them it is hidden", async () => {
    write("services-overrides.yaml", HIDDEN);
    const { message } = await run("configure-sparks", { ...(await shown()), hiddenServices: [] });
    expect(bridge()).toEqual([false, "bob"]);
    expect((await shown()).hiddenServices).toEqual([]);
    expect(message).not.toMatch(/bridge/);

    await run("configure-sparks", { ...(await shown()), hiddenServices: ["matrix-bridge"] });
    expect(bridge()).toEqual([true, "bob"]);
  });

  test.each([null, "bob"])("a user that is entered shows a hidden bridge (before: %p), and says so", async (before) => {
    const user = before === null ? "" : `, user: ${before}`;
    write("services-overrides.yaml", `services: { matrix-bridge: { disabled: true${user} } }\n`);
    const { message } = await run("configure-sparks", { ...(await shown()), matrixUser: "carol" });

    expect(bridge()).toEqual([false, "carol"]);
    expect((await shown()).hiddenServices).toEqual([]);
    expect(message).toContain(AGAIN);
  });

  test("who enters a user and hides the bridge in one form gets both", async () => {
    const { message } = await run("configure-sparks", {
      ...BLANK,
      matrixUser: "bob",
      hiddenServices: ["matrix-bridge"],
    });

    expect(bridge()).toEqual([true, "bob"]);
    expect(message).toContain(STAYS);
  });

  test("a hidden bridge without a user stays as it is in a form that is left as it is", async () => {
    const text = "services: { matrix-bridge: { disabled: true } }\n";
    write("services-overrides.yaml", text);
    const { message } = await run("configure-sparks", await shown());

    expect(read("services-overrides.yaml").replaceAll(" ", "")).toBe(text.replaceAll(" ", ""));
    expect(message).not.toMatch(/bridge/);
  });

  const SPARK1 = { host: "10.77.0.11", user: "alice" };
  const SPARK2 = { host: "10.77.0.12", user: "alice" };
  const NONE = { host: null, user: null };
  const nodes = () => topology().nodes.map(({ name, status }) => [name, status]);
  const slots = () => topology().slots.map(({ name, port, nodes: members }) => [name, port, members]);

  test("a port without a Spark, then one Spark, then two: the slot is over all there are", async () => {
    await run("configure-sparks", { ...BLANK, vllmPort: 8899 });
    expect([topology().problems, slots()]).toEqual([[], []]);
    expect(read("topology.yaml")).toContain("port: 8899");

    await run("configure-sparks", { ...BLANK, vllmPort: 8899, spark1: SPARK1 });
    expect([topology().problems, slots()]).toEqual([[], [["main", 8899, ["spark-1"]]]]);

    await run("configure-sparks", { ...BLANK, vllmPort: 8899, spark1: SPARK1, spark2: SPARK2 });
    expect([topology().problems, slots()]).toEqual([[], [["main", 8899, ["spark-1", "spark-2"]]]]);
  });

  test.each(["nodes: [spark-1]", "nodes:\n      - spark-1", "nodes: []"])(
    "a slot of the file that is over all Sparks stays so when one is added (%s)",
    async (list) => {
      const isEmpty = list.endsWith("[]");
      const before = isEmpty ? "" : "nodes:\n  - { name: spark-1, host: 10.77.0.11, user: alice }\n";
      write("topology.yaml", `${before}slots:\n  - name: main\n    ${list} # mine\n    port: 8899\n`);
      await run("configure-sparks", { ...BLANK, vllmPort: 8899, spark1: SPARK1, spark2: SPARK2 });

      expect([topology().problems, slots()]).toEqual([[], [["main", 8899, ["spark-1", "spark-2"]]]]);
    },
  );

  test("a slot over some of the Sparks stays as it is", async () => {
    write(
      "topology.yaml",
      "nodes:\n  - { host: 10.77.0.11, user: alice }\n  - { host: 10.77.0.12, user: alice }\nslots:\n  - { nodes: [spark-1], port: 8890 }\n",
    );
    const it = await action("configure-sparks");
    const { value } = await it.getInput({ effects: bench.fake.effects, prefill: null });
    expect(value).toMatchObject({ spark1: SPARK1, spark2: SPARK2, vllmPort: 8890 });
    await run("configure-sparks", { ...value, spark2: { ...SPARK2, host: "10.77.0.13" } });

    expect([topology().problems, slots()]).toEqual([[], [["main", 8890, ["spark-1"]]]]);
    expect(topology().nodes[1]).toMatchObject({ name: "spark-2", host: "10.77.0.13" });
  });

  test("a second Spark that is blanked goes as a whole, from the slot over all too; so do both", async () => {
    await run("configure-sparks", { ...WHOLE });
    await run("configure-sparks", { ...WHOLE, spark2: NONE });
    expect([topology().problems, nodes(), slots()]).toEqual([
      [],
      [["spark-1", "configured"]],
      [["main", 8899, ["spark-1"]]],
    ]);

    await run("configure-sparks", { ...WHOLE, spark1: NONE, spark2: NONE });
    expect([topology().problems, nodes()]).toEqual([[], []]);
  });

  test("Sparks of other names are the first and the second of the form, and keep their names", async () => {
    write("topology.yaml", "nodes:\n  - { name: upper, host: 10.77.0.21, user: carol }\n");
    const it = await action("configure-sparks");
    const { value } = await it.getInput({ effects: bench.fake.effects, prefill: null });
    expect(value.spark1).toEqual({ host: "10.77.0.21", user: "carol" });
    await run("configure-sparks", { ...value, spark2: SPARK2 });

    expect(nodes()).toEqual([
      ["upper", "configured"],
      ["spark-2", "configured"],
    ]);
  });

  test("half a Spark, a second one without a first, one that another slot names: refused in words, and nothing is written", async () => {
    const file =
      "nodes:\n  - { name: spark-1, host: 10.77.0.11, user: alice }\n  - { name: spark-2, host: 10.77.0.12, user: alice }\n" +
      "slots:\n  - { name: main, nodes: [spark-1] }\n  - { name: second, nodes: [spark-2], port: 8889, container: other }\n";
    write("topology.yaml", file);
    const refused = async (input: Loaded) =>
      run("configure-sparks", { ...BLANK, ...input }).then(
        () => "accepted",
        (error: Error) => error.message,
      );

    expect(await refused({ spark1: { host: "10.77.0.11", user: "" } })).toContain("address and user belong together");
    expect(await refused({ spark1: NONE, spark2: SPARK2 })).toContain("needs a first one");
    expect(await refused({ spark1: SPARK1, spark2: NONE })).toBe(
      "spark-2 belongs to the slot second of topology.yaml. Change the slot first.",
    );
    expect(await refused({ spark1: SPARK1, spark2: { host: "10.77.0.11", user: "bob" } })).toBe(
      "spark-1 and spark-2 have the same address. Each Spark needs one of its own.",
    );
    expect(readdirSync(bench.package.volume)).toEqual(["topology.yaml"]);
    expect(read("topology.yaml")).toBe(file);
  });

  test("a Spark that goes from before others without names takes no name from them: slots name the same Sparks as before", async () => {
    const node = (at: number) => `  - { host: 10.77.0.1${at}, user: alice } # ${at}\n`;
    const slotsText =
      "slots:\n  - nodes: [spark-1]\n  - { name: second, nodes: [spark-3], port: 8889, container: other }\n";
    write("topology.yaml", `nodes:\n${node(1)}${node(2)}${node(3)}${slotsText}`);
    await run("configure-sparks", { ...(await shown()), spark2: NONE });

    expect(topology().problems).toEqual([]);
    expect(topology().nodes).toMatchObject([
      { name: "spark-1", host: "10.77.0.11" },
      { name: "spark-3", host: "10.77.0.13" },
    ]);
    expect(slots().map(([name, , members]) => [name, members])).toEqual([
      ["main", ["spark-1"]],
      ["second", ["spark-3"]],
    ]);
    expect(read("topology.yaml")).toContain("# 3");
  });

  test("one address with two ports of SSH is two Sparks, in other letters one; two Sparks may change theirs", async () => {
    await run("configure-sparks", { ...BLANK, spark1: SPARK1, spark2: SPARK2 });
    await run("configure-sparks", { ...BLANK, spark1: SPARK2, spark2: SPARK1 });
    expect(topology().nodes).toMatchObject([SPARK2, SPARK1]);

    const file = "nodes:\n  - {host: Spark-Box.lan, user: a}\n  - {host: spark-box.lan, user: a, ssh_port: 2222}\n";
    write("topology.yaml", file);
    await run("configure-sparks", await shown());
    expect(read("topology.yaml")).toBe(file);

    write("topology.yaml", file.replace(", ssh_port: 2222", ""));
    await expect(run("configure-sparks", await shown())).rejects.toThrow("spark-1 and spark-2 have the same address");
  });

  test.each(["nodes:", "nodes: ~\nslots:\nsettings:", "slots:\nnodes: # none yet", "~", "# only a remark\n"])(
    "sections with nothing in them are filled (%j)",
    async (text) => {
      write("topology.yaml", text);
      write("services-overrides.yaml", "services:\n  kokoro:\n");
      await run("configure-sparks", WHOLE);

      expect([topology().problems, slots()]).toEqual([[], [["main", 8899, ["spark-1", "spark-2"]]]]);
      expect(topology().services.find(({ name }) => name === "kokoro")?.disabled).toBe(true);
    },
  );

  test.each([
    ["topology.yaml", "nodes: { spark-1: { host: 10.77.0.11 } }\n"],
    ["topology.yaml", "nodes: none\n"],
    ["topology.yaml", "nodes: [spark-1]\n"],
    ["topology.yaml", "slots: { main: { port: 8888 } }\n"],
    ["topology.yaml", "slots: [{ name: main, nodes: spark-1 }]\n"],
    ["topology.yaml", "- nodes\n"],
    ["services-overrides.yaml", "services: [kokoro]\n"],
    ["services-overrides.yaml", "services: { kokoro: off }\n"],
  ])("a part of %s that is not what it should be: said in words, nothing is written (%j)", async (name, text) => {
    write(name, text);
    const it = await action("configure-sparks");
    await it.getInput({ effects: bench.fake.effects, prefill: null });

    await expect(run("configure-sparks", WHOLE)).rejects.toThrow(
      `${name} cannot be changed from here. Mend it in the dashboard, or move it away.`,
    );
    expect(readdirSync(bench.package.volume)).toEqual([name]);
    expect(read(name)).toBe(text);
  });

  const refusal = (input: Loaded) =>
    run("configure-sparks", input).then(
      () => "accepted",
      (error: Error) => error.message,
    );
  const TWO =
    "nodes:\n  - {name: spark-1, host: 10.77.0.1, user: &u carol}\n  - {name: spark-2, host: 10.77.0.2, user: *u}\n";

  test.each([
    ["topology.yaml", "a: &a [{ name: spark-1 }]\nnodes: *a\n"],
    ["topology.yaml", "nodes: &a [{ name: spark-1, host: 10.77.0.1, user: carol }]\nb: *a\n"],
    ["topology.yaml", "nodes:\n  - &a { name: spark-1, host: 10.77.0.1, user: carol }\nb: *a\n"],
    ["topology.yaml", TWO],
    ["services-overrides.yaml", "a: &a { port: 1 }\nservices: { kokoro: *a }\n"],
  ])("aliases of %s in what is changed: refused in words, nothing is written (%j)", async (name, text) => {
    write(name, text);

    expect(await refusal(WHOLE)).toBe(
      `${name} has YAML aliases (&, *) where it would be changed. Write the values out.`,
    );
    expect(readdirSync(bench.package.volume)).toEqual([name]);
    expect(read(name)).toBe(text);
  });

  test("aliases in what stays are shown as their values, and stay", async () => {
    write("topology.yaml", TWO);
    const it = await action("configure-sparks");
    const { value } = await it.getInput({ effects: bench.fake.effects, prefill: null });
    expect(value.spark2).toEqual({ host: "10.77.0.2", user: "carol" });
    await run("configure-sparks", { ...value, spark2: { host: "10.77.0.3", user: "carol" } });

    expect(read("topology.yaml")).toBe(TWO.replace("10.77.0.2", "10.77.0.3"));
  });

  test("a form that is left as it is changes nothing in a file that is full of aliases", async () => {
    const text =
      "nodes: &n\n  - &a {name: spark-1, host: 10.77.0.1, user: carol}\nslots: &s\n  - &m {name: main, nodes: [spark-1]}\nother: [*n, *a, *s, *m]\n";
    write("topology.yaml", text);
    const it = await action("configure-sparks");
    const { value } = await it.getInput({ effects: bench.fake.effects, prefill: null });
    await run("configure-sparks", value);

    expect(read("topology.yaml")).toBe(text);
  });

  test("a file that cannot be written as text keeps the other one from being written", async () => {
    write("services-overrides.yaml", "other: *nothing\n");

    expect(await refusal(WHOLE)).toContain("services-overrides.yaml cannot be changed from here");
    expect(readdirSync(bench.package.volume)).toEqual(["services-overrides.yaml"]);
  });

  test("two Sparks of one name: refused in words, nothing is written", async () => {
    write("topology.yaml", "nodes:\n  - { host: 10.77.0.1 }\n  - { name: spark-1, host: 10.77.0.2 }\n");

    expect(await refusal(WHOLE)).toBe("Two Sparks of topology.yaml are called spark-1. Give one of them another name.");
    expect(readdirSync(bench.package.volume)).toEqual(["topology.yaml"]);
  });

  test.each(["", "{", "[]", '"text"'])(
    "a damaged startos-webhook.json (%j) counts as none and is written anew",
    async (text) => {
      write("startos-webhook.json", text);
      const it = await action("configure-sparks");
      const { value } = await it.getInput({ effects: bench.fake.effects, prefill: null });
      expect(value.webhookUrl).toBeNull();
      await run("configure-sparks", value);
      expect(webhook()).toEqual({ url: null, secret: null, wanted: false });

      write("startos-webhook.json", text);
      await run("configure-sparks", WHOLE);
      expect(webhook()).toEqual({ url: WHOLE.webhookUrl, secret: "s3cret", wanted: true });
      write("startos-webhook.json", text);
      expect((await run("download-diagnostics")).result.value).toContain("/health");
    },
  );

  const HOSTILE: [string, Loaded][] = [
    ["an option as host", { spark1: { host: "-oProxyCommand=x", user: "alice" } }],
    ["a command as host", { spark1: { host: "10.0.0.1; reboot", user: "alice" } }],
    ["a host with a port", { spark1: { host: "10.77.0.11:22", user: "alice" } }],
    ["half an address", { spark1: { host: "10.77.11", user: "alice" } }],
    ["a command as user", { spark1: { host: "10.77.0.11", user: "a; reboot" } }],
    ["a user with a line break", { spark2: { host: "10.77.0.12", user: "a\nb" } }],
    ["a user that is a substitution", { spark2: { host: "10.77.0.12", user: "$(id)" } }],
    ["a port out of range", { vllmPort: 99_999 }],
    ["a port that is text", { vllmPort: "8888; id" }],
    ["half a port", { vllmPort: 80.5 }],
    ["a container that is an option", { vllmContainer: "--privileged" }],
    ["a container with a space", { vllmContainer: "a b" }],
    ["a bridge's user that is a path", { matrixUser: "../bob" }],
    ["a webhook of another kind", { webhookUrl: "file:///etc/passwd" }],
    ["a webhook with a password", { webhookUrl: "http://a:hunter2@10.77.0.30/" }],
    ["a webhook at a cloud's metadata", { webhookUrl: "http://169.254.169.254/latest" }],
    ["a webhook at Spark Control itself", { webhookUrl: "http://127.0.0.1:9999/api/swap" }],
    ["a secret that is no base64", { webhookUrl: "http://10.77.0.30/", webhookSecret: "whsec_hunter2 !" }],
    ["a host that is no text", { spark1: { host: { a: 1 }, user: "alice" } }],
  ];
  for (const [name, input] of HOSTILE)
    test(`refused although the form let it pass: ${name}`, async () => {
      const error = await run("configure-sparks", { ...BLANK, ...input }).then(
        () => null,
        (thrown: Error) => thrown,
      );

      expect(error?.message).toMatch(/cannot be used|not text|Invalid input/);
      expect(error?.message).not.toMatch(/hunter2|reboot/);
      expect(readdirSync(bench.package.volume)).toEqual([]);
    });

  test("hosts, users, containers and secrets are judged as the controller judges them", async () => {
    const judges = await bench.package.load("startos/actions/validators.ts");
    const own: readonly [judge: (text: string) => boolean, controller: (text: string) => boolean][] = [
      [judges.isHost, (text) => invalidHost(text) === null],
      [judges.isUser, (text) => invalidUserName(text) === null],
      [judges.isContainer, (text) => invalidContainerName(text) === null],
      [judges.isSecret, (text) => isUsableSecret(text) && !/[\r\n\0]/.test(text)],
    ];
    const parts = `fe80::1 :: ffff % %25 eth0 : a _ . - 1 10.77.0.11 256 0x7f / [ ] @ $ ; é ${"A".repeat(62)} whsec_ == + ab12`;
    const text = fc.array(fc.constantFrom(...parts.split(" "), " ", "\n", "\0", "\u2028"), {
      minLength: 1,
      maxLength: 6,
    });
    for (const [judge, controller] of own)
      fc.assert(
        // What stands around it is taken away before it is judged.
        fc.property(
          text.map((all) => all.join("").trim()).filter((all) => all !== ""),
          (all) => judge(all) === controller(all),
        ),
        { numRuns: 20_000 },
      );
  });

  test("the webhook's address is judged as the controller judges it", async () => {
    const hosts =
      `169.254.169.254 169.254.170.2 168.63.129.16 100.100.100.200 [fd00:ec2::254] [::ffff:a9fe:a9fe] 2852039166 metadata metadata.google.internal.
      instance-data 169.254.0.23 169.254.1.1 [fe80::1] localhost localhost. a.localhost 127.1 0.0.0.0 [::1] [::ffff:127.0.0.1] 10.77.0.30 hook.example`.split(
        /\s+/,
      );
    const urls = hosts.flatMap((host) =>
      ["http:", "https:"].flatMap((scheme) => [`${scheme}//${host}/x`, `${scheme}//${host}:9999/x`]),
    );
    const accepted: string[] = [];
    for (const webhookUrl of urls)
      if ((await refusal({ ...BLANK, webhookUrl })) === "accepted") accepted.push(webhookUrl);

    expect(accepted).toEqual(urls.filter((url) => urlRefusal(url, 9999) === null));
    expect(accepted.length).toBeGreaterThan(20);
  });

  test("a file that is not YAML is left alone, and said so", async () => {
    write("topology.yaml", "nodes:\n\t- {");

    await expect(run("configure-sparks", WHOLE)).rejects.toThrow("topology.yaml cannot be changed");
    expect(read("topology.yaml")).toBe("nodes:\n\t- {");
    expect(existsSync(volumeFile("services-overrides.yaml"))).toBe(false);
  });
});
