/**
 * Stand-in of the `vllm` command. `vllm serve …` is the API server with an engine below it, or with `--headless` the
 * rank of a worker node. `engine-core` and `worker-rank` are its children; their first argument word is their title.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { serveApi } from "./api.ts";
import { checkArguments, option, type ServeArguments, usageError } from "./arguments.ts";
import { readBehaviour } from "./behaviour.ts";
import { type EngineMessage, runEngine } from "./engine.ts";
import { Log, writeNumbers } from "./log.ts";
import { followHead } from "./ranks.ts";

const SELF = Bun.main;

/** True if something listens on that TCP port in this network namespace. */
function portTaken(port: number): boolean {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return ["/proc/net/tcp", "/proc/net/tcp6"].some((table) =>
    readFileSync(table, "utf8")
      .split("\n")
      .some((line) => {
        const [, local, , state] = line.trim().split(/\s+/);
        return state === "0A" && local?.endsWith(suffix);
      }),
  );
}

function addressInUse(log: Log, host: string, port: number): never {
  log.raw(
    `Traceback (most recent call last):\n  File "/usr/local/bin/vllm", line 10, in <module>\nOSError: [Errno 98] Address already in use (${host}:${port})`,
  );
  process.exit(1);
}

function parse(argv: readonly string[]): ServeArguments {
  const checked = checkArguments(argv);
  if (checked.ok) return checked.value;
  process.stderr.write(usageError(checked.error));
  process.exit(2);
}

function requireModel(log: Log, model: string): void {
  const local = model.startsWith("/") || model.startsWith(".");
  if (!local || (existsSync(model) && statSync(model).isDirectory())) return;
  log.raw(
    `huggingface_hub.errors.HFValidationError: Repo id must be in the form 'repo_name' or 'namespace/repo_name': '${model}'. Use \`repo_type\` argument if needed.\nOSError: Can't load the configuration of '${model}'. If you were trying to load it from 'https://huggingface.co/models', make sure you don't have a local directory with the same name.`,
  );
  process.exit(1);
}

async function serve(argv: readonly string[]): Promise<void> {
  const args = parse(argv);
  const log = new Log("APIServer");
  const host = option(args, "--host", "0.0.0.0");
  const port = Number(option(args, "--port", "8000"));
  const behaviour = readBehaviour(args.model);
  log.info("api_server.py:1351", `vLLM API server version 0.13.0`);
  log.info("utils.py:253", `non-default args: ${JSON.stringify(argv)}`);
  if (portTaken(port)) addressInUse(log, host, port);
  requireModel(log, args.model);
  log.info("model.py:1661", `Using max model len ${option(args, "--max-model-len", "32768")}`);

  const ready = Promise.withResolvers<void>();
  let exitCode: number | null = null;
  const engine = Bun.spawn([process.execPath, SELF, "engine-core", ...argv], {
    argv0: "VLLM::EngineCore",
    stdin: "ignore",
    stdout: "inherit",
    stderr: "inherit",
    ipc: (message: EngineMessage) => {
      if (message.kind === "ready") ready.resolve();
      else exitCode = message.code;
    },
  });
  const died = engine.exited.then(() => "died" as const);
  if ((await Promise.race([ready.promise, died])) === "died") {
    if (exitCode === 0) process.exit(0);
    log.raw(
      `Traceback (most recent call last):\n  File "/usr/local/bin/vllm", line 10, in <module>\nRuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}`,
    );
    process.exit(1);
  }

  let alive = true;
  void died.then(() => {
    alive = false;
    log.error(
      "async_llm.py:535",
      "AsyncLLM output_handler failed.\nvllm.v1.engine.exceptions.EngineDeadError: EngineCore encountered an issue. See stack trace (above) for the root cause.",
    );
  });
  try {
    serveApi({ args, argv: ["vllm", "serve", ...argv], behaviour, engineAlive: () => alive });
  } catch {
    addressInUse(log, host, port);
  }
  log.info("api_server.py:1099", `Starting vLLM API server 0 on http://${host}:${port}`);
  log.raw(
    `INFO:     Started server process [${process.pid}]\nINFO:     Waiting for application startup.\nINFO:     Application startup complete.`,
  );
  if (behaviour.fail === "die_after_ready") {
    await Bun.sleep(behaviour.afterSeconds * 1000);
    log.error("launcher.py:112", "RuntimeError: unhandled system error");
    process.exit(1);
  }
}

async function worker(argv: readonly string[]): Promise<never> {
  const args = parse(argv);
  const log = new Log("APIServer");
  log.info("serve.py:113", "Launching vLLM headless multiprocess executor, with head node address tcp");
  requireModel(log, args.model);
  const host = option(args, "--master-addr", "127.0.0.1");
  const rank = Bun.spawn(
    [process.execPath, SELF, "worker-rank", args.model, host, option(args, "--master-port", "29501"), "child"],
    {
      argv0: `VLLM::Worker_TP${option(args, "--node-rank", "1")}`,
      stdin: "ignore",
      stdout: "inherit",
      stderr: "inherit",
      ipc: () => {},
    },
  );
  return process.exit(await rank.exited);
}

async function rank(model: string, host: string, port: number, child: boolean): Promise<never> {
  const log = new Log("Worker_TP1");
  if (child) process.on("disconnect", () => process.exit(1));
  log.info("gpu_model_runner.py:3562", `Starting to load model ${model}...`);
  const { numberedLines, loadSeconds, rankTimeoutSeconds } = readBehaviour(model);
  void writeNumbers(log, numberedLines, loadSeconds * 0.8);
  const reason = await followHead(host, port, rankTimeoutSeconds);
  log.error("multiproc_executor.py:711", `WorkerProc hit an exception.\nRuntimeError: ${reason}`);
  return process.exit(1);
}

const [action, ...rest] = process.argv.slice(2);
if (action === "serve" && rest.includes("--headless")) await worker(rest);
else if (action === "serve") await serve(rest);
else if (action === "engine-core") await runEngine(parse(rest));
else if (action === "worker-rank") await rank(rest[0] ?? "", rest[1] ?? "", Number(rest[2]), rest[3] === "child");
else if (action === "--version") console.log("0.13.0");
else {
  process.stderr.write("usage: vllm [-h] [-v] {chat,complete,serve,launch,bench,collect-env,run-batch} ...\n");
  process.exit(2);
}
