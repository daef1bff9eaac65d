import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import * as validate from "../../../lib/config/validate.ts";

type Predicate = (text: string) => string | null;

const PREDICATES: Readonly<Record<string, { check: Predicate; good: readonly string[]; bad: readonly string[] }>> = {
  "user name": {
    check: validate.invalidUserName,
    good: ["alice", "bob_2", "a.b-c", "_svc"],
    bad: ["", "-oProxyCommand=x", "a b", "a@b", "1st", "a/b", "a$(id)", "x".repeat(33), "é"],
  },
  host: {
    check: validate.invalidHost,
    good: [
      "spark-1",
      "spark-1.local",
      "10.77.0.1",
      "fd00::1",
      "fe80::1%eth0",
      "::1",
      "a_b.example.",
      "xn--bcher-kva.de",
    ],
    bad: [
      "",
      "-spark",
      "a..b",
      ".a",
      "a.-b",
      "10.77.0",
      "10.77.0.256",
      "[::1]",
      "a:22",
      "alice@spark-1",
      "a b",
      "a\nb",
    ],
  },
  "container name": {
    check: validate.invalidContainerName,
    good: ["vllm_node", "asr-1", "a.b"],
    bad: ["", "a", "-rm", ".a", "a/b", "a b", "a;id"],
  },
  image: {
    check: validate.invalidImage,
    good: ["vllm-node", "vllm-node:26.01", "registry.example:5000/team/vllm:a_b", `vllm@sha256:${"a".repeat(64)}`],
    bad: ["", "--privileged", "Upper", "a b", "a:", "a@sha256:12", "a//b", "a:b:c"],
  },
  "absolute path": {
    check: validate.invalidAbsolutePath,
    good: ["/models/qwen", "/models/", "/a/b.c/d+e@1"],
    bad: ["", "/", "models", "~/x", "/a/../b", "/a/./b", "/..", "//a", "/a//b", "/a b", "/a;id", "/a$x", "/é"],
  },
  "path from root or home": {
    check: validate.invalidPath,
    good: ["~", "~/", "~/spark-vllm-docker", "/opt/x"],
    bad: ["~alice/x", "~/../x", "~//x", "x/y", "-x", "~/a b", "/"],
  },
  "relative path": {
    check: validate.invalidRelativePath,
    good: ["mods/fix-qwen", "a"],
    bad: ["", "/a", "~/a", "../a", "a/../b", "-a", "a//b"],
  },
  "environment name": {
    check: validate.invalidEnvName,
    good: ["HF_HOME", "_x1"],
    bad: ["", "1A", "A-B", "A=B", "A B", "PATH;id"],
  },
  "docker environment value": {
    check: validate.invalidDockerEnvValue,
    good: ["", "1", "/models/x:ro", "a=b,c=d", "-1", "50%"],
    bad: [
      "a b",
      "a\tb",
      "a;b",
      "$HOME",
      "`id`",
      "*",
      "a?",
      "[a]",
      "~",
      "{a,b}",
      "'",
      '"',
      "\\",
      "#",
      "!",
      "&",
      "|",
      "<",
      "é",
    ],
  },
  "interface name": {
    check: validate.invalidInterfaceName,
    good: ["enp1s0f1np1", "rocep1s0f1", "eth0.100"],
    bad: ["", "-i", "a b", "a/b", "a,b", "a;b"],
  },
  "interface list": {
    check: validate.invalidInterfaceList,
    good: ["rocep1s0f1", "rocep1s0f1,roceP2p1s0f1"],
    bad: ["", ",", "a,", "a,-b", "a, b"],
  },
  "repository id": {
    check: validate.invalidRepoId,
    good: ["Qwen/Qwen3-235B-A22B", "a/b", "org_1/name.v2"],
    bad: ["", "name", "a/b/c", "../x", "a/..", "a/.", "a/b--c", "a/-b", "-a/b", "a/b.git", "a /b", "/b", "a/"],
  },
  argument: {
    check: validate.invalidArgument,
    good: ["", "-x", "--max-model-len=8", '{"a": "b\nc"}', "😀", "$(id)"],
    bad: ["a\0b", "\ud800"],
  },
  operand: {
    check: validate.invalidOperand,
    good: ["name", "a\nb", "$(id)"],
    bad: ["", "-x", "--", "a\0b"],
  },
};

for (const [name, { check, good, bad }] of Object.entries(PREDICATES)) {
  describe(name, () => {
    for (const text of good) test(`accepts ${JSON.stringify(text)}`, () => expect(check(text)).toBeNull());
    for (const text of bad) {
      test(`refuses ${JSON.stringify(text)} with a reason`, () => expect(check(text)?.length).toBeGreaterThan(5));
    }
  });
}

const seed = Number(process.env.FC_SEED ?? crypto.getRandomValues(new Int32Array(1))[0]);
console.log(`validate: seed ${seed} (repeat with FC_SEED=${seed})`);
const STRICT = Object.entries(PREDICATES).filter(([name]) => name !== "argument" && name !== "operand");

test("whatever a strict predicate accepts needs no quoting, hides no option and has no line break or NUL", () => {
  const alphabet = fc.constantFrom(..."abcZ019-._/~:@=,+% \t\r\n\0'\"$`;&|<>*?[]{}()!#\\é😀");
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 12 }),
    fc.array(alphabet, { maxLength: 12 }).map((c) => c.join("")),
  );
  fc.assert(
    fc.property(text, (value) => {
      for (const [name, { check }] of STRICT) {
        if (check(value) !== null) continue;
        expect(value).toMatch(/^[A-Za-z0-9_@%+=:,./~-]*$/);
        // A value of an environment variable stands behind its name, never alone.
        if (name !== "docker environment value") expect(value.startsWith("-")).toBe(false);
        if (name.includes("path")) expect(value.split("/")).not.toContain("..");
      }
    }),
    { seed, numRuns: 5_000 },
  );
});

test("ports are whole numbers from 1 to 65535", () => {
  expect([1, 22, 65_535].map(validate.invalidPort)).toEqual([null, null, null]);
  for (const port of [0, -1, 65_536, 1.5, Number.NaN]) expect(validate.invalidPort(port)).not.toBeNull();
});

test("a path lies inside a folder only if it is below it", () => {
  expect(validate.isInside("/models/qwen", "/models/qwen/template.jinja")).toBe(true);
  expect(validate.isInside("/models/qwen/", "/models/qwen/a/b")).toBe(true);
  expect(validate.isInside("/models/qwen", "/models/qwen-2/template.jinja")).toBe(false);
  expect(validate.isInside("/models/qwen", "/models/qwen")).toBe(false);
});
