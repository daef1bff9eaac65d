import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { quote } from "../../../lib/ssh/quote.ts";
import {
  type Dialect,
  type LaunchPlace,
  launchCommand,
  readDialect,
  serveArguments,
} from "../../../lib/swap/launch-command.ts";
import { aModel, aSlot } from "./_fixtures.ts";

const NEW: Dialect = { joinsArguments: false, knowsSolo: true };
const OLD: Dialect = { joinsArguments: true, knowsSolo: false };
const solo: LaunchPlace = { slot: aSlot(), addresses: ["10.77.0.1"], ethIf: null, ibIf: null };
const both: LaunchPlace = {
  slot: aSlot(),
  addresses: ["10.77.0.1", "10.77.0.2"],
  ethIf: "enp1s0f1np1",
  ibIf: "rocep1s0f1",
};

describe("the dialect of a launch script", () => {
  test.each([
    ['      COMMAND_TO_RUN="$@"', true],
    ['COMMAND_TO_RUN="$*"', true],
    ['      COMMAND_TO_RUN=("$@")', false],
    ['# the old one had COMMAND_TO_RUN="$@"', false],
    ["", false],
  ])("%s: joins its arguments: %p", (line, joinsArguments) => {
    expect(readDialect(`#!/bin/bash\n${line}\n`).joinsArguments).toBe(joinsArguments);
  });

  test.each([
    ["    --solo) SOLO_MODE=true ;;", true],
    ["# Usage: [-t image] [--name container] --solo [--no-ray]", true],
    ["    --solo|-s) SOLO_MODE=true ;;", true],
    ["    --soloist) ;;", false],
    ["    --name) shift ;;", false],
  ])("%s: knows --solo: %p", (line, knowsSolo) => {
    expect(readDialect(`#!/bin/bash\n${line}\n`).knowsSolo).toBe(knowsSolo);
  });
});

describe("a launch", () => {
  test("on one Spark", () => {
    const { argv, env } = launchCommand(aModel(), solo, NEW, quote);

    expect(argv.join(" ")).toBe(
      "./launch-cluster.sh -n 10.77.0.1 --solo -t vllm-node --name vllm_node " +
        "exec vllm serve Qwen/Qwen3-14B --host 0.0.0.0 --port 8888 --gpu-memory-utilization 0.5",
    );
    expect(env).toEqual({});
  });

  test("on one Spark with a script that does not know --solo", () => {
    expect(launchCommand(aModel(), solo, { ...NEW, knowsSolo: false }, quote).argv).not.toContain("--solo");
  });

  test("on two Sparks: head first, their interfaces, tensor parallel over both", () => {
    const model = aModel({ nodes: 2, gpu_memory_utilization: 0.8 });

    expect(launchCommand(model, both, NEW, quote).argv.join(" ")).toBe(
      "./launch-cluster.sh -n 10.77.0.1,10.77.0.2 -t vllm-node --name vllm_node --eth-if enp1s0f1np1 --ib-if rocep1s0f1 " +
        "exec vllm serve Qwen/Qwen3-14B --host 0.0.0.0 --port 8888 --gpu-memory-utilization 0.8 --tensor-parallel-size 2",
    );
  });

  test("with everything that a model can say", () => {
    const model = aModel({
      source: { kind: "local", path: "/models/acme" },
      max_model_len: 32_768,
      served_name: "acme",
      chat_template: "/models/acme/chat.jinja",
      args: ["--reasoning-parser", "qwen3"],
      mods: ["mods/fix-acme", "mods/other"],
      image: "vllm-node:nightly",
      env: { VLLM_USE_V1: "1", HF_HUB_OFFLINE: "1" },
    });

    const { argv, env } = launchCommand(
      model,
      { ...solo, slot: aSlot({ port: 8001, container: "second" }) },
      NEW,
      quote,
    );

    expect(argv.join(" ")).toBe(
      "./launch-cluster.sh -n 10.77.0.1 --solo -t vllm-node:nightly --name second --apply-mod mods/fix-acme --apply-mod mods/other " +
        "exec vllm serve /models/acme --host 0.0.0.0 --port 8001 --gpu-memory-utilization 0.5 --max-model-len 32768 " +
        "--served-model-name acme --chat-template /models/acme/chat.jinja --reasoning-parser qwen3",
    );
    expect(env).toEqual({
      VLLM_SPARK_EXTRA_DOCKER_ARGS: "-v /models/acme:/models/acme:ro -e VLLM_USE_V1=1 -e HF_HUB_OFFLINE=1",
    });
  });

  test("names its action, is not detached by the script and leaves the ranks to it", () => {
    for (const place of [solo, both])
      for (const dialect of [NEW, OLD]) {
        const { argv } = launchCommand(aModel({ nodes: place.addresses.length }), place, dialect, quote);

        for (const forbidden of [
          "-d",
          "--nnodes",
          "--node-rank",
          "--distributed-executor-backend",
          "--ray",
          "--no-ray",
        ])
          expect(argv).not.toContain(forbidden);
        expect(argv.filter((word) => word === "exec")).toHaveLength(1);
      }
  });

  test("serves what the pre-flight checks", () => {
    const model = aModel({ args: ["--trust-remote-code"], nodes: 2 });
    const { argv } = launchCommand(model, both, NEW, quote);

    expect(argv.slice(argv.indexOf("serve") + 1)).toEqual(serveArguments(model, both));
  });
});

/** A shell takes its time to start on a busy machine. */
const SHELLS_MS = 60_000;

/** The words that a script receives which runs `bash -i -c "$COMMAND_TO_RUN"` with its arguments joined by spaces. */
async function parsedAgain(argv: readonly string[]): Promise<string[]> {
  const joined = argv.slice(argv.indexOf("exec") + 1).join(" ");
  const text = `vllm() { printf '%s\\0' vllm "$@"; }; ${joined}`;
  const bash = Bun.spawn(["bash", "--norc", "--noprofile", "-i", "-c", text], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "ignore",
  });
  const output = await new Response(bash.stdout).text();
  await bash.exited;
  return output.split("\0").slice(0, -1);
}

describe("a script that joins its arguments and has a shell parse them again", () => {
  const NASTY = [
    '{"rope_scaling":{"type":"yarn","factor":4.0}}',
    "it's",
    'a "quoted" word',
    "$HOME",
    "`id`",
    "$(id)",
    "a;b",
    "a & b | c > d",
    "two\nlines",
    "übermäßig 模型",
    "",
    "*",
    "~",
    "!!",
    "\\",
    "a\tb",
    "#no-comment",
  ];

  test("gets every argument as it was written", async () => {
    const model = aModel({ args: NASTY });

    const { argv } = launchCommand(model, solo, OLD, quote);

    expect(await parsedAgain(argv)).toEqual(["vllm", "serve", ...serveArguments(model, solo)]);
  });

  test(
    "property: whatever the arguments are",
    async () => {
      // NUL cannot stand in an argument.
      const argument = fc.string({ unit: "grapheme", maxLength: 24 }).filter((text) => !text.includes("\0"));
      await fc.assert(
        fc.asyncProperty(fc.array(argument, { maxLength: 12 }), async (args) => {
          const model = aModel({ args });

          const { argv } = launchCommand(model, solo, OLD, quote);

          expect(await parsedAgain(argv)).toEqual(["vllm", "serve", ...serveArguments(model, solo)]);
        }),
        { numRuns: 40 },
      );
    },
    SHELLS_MS,
  );

  test("without joining they are passed on untouched", () => {
    const { argv } = launchCommand(aModel({ args: NASTY }), solo, NEW, quote);

    expect(argv.slice(-NASTY.length)).toEqual(NASTY);
  });
});
