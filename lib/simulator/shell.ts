/** The shell of a simulated host: takes a command line apart and runs what it names. */
import { docker } from "./docker-command.ts";
import { hfDownload } from "./hf-download.ts";
import { type Invocation, type Program, sh } from "./invocation.ts";
import { namedScripts } from "./job-scripts.ts";
import { launchCluster } from "./launch-cluster.ts";
import type { Dialect } from "./launch-options.ts";
import { nvidiaSmi } from "./nvidia-smi.ts";
import { fileText, PLAIN_COMMANDS } from "./plain-commands.ts";
import { expand, parseShellLine, type ShellLine, ShellSyntaxError } from "./shell-words.ts";
import { HOME, LAUNCH_SCRIPT } from "./spark.ts";

const NOT_FOUND = 127;
const SYNTAX_ERROR = 2;

export class Shell {
  readonly #programs: ReadonlyMap<string, Program>;
  readonly #scripts: ReadonlyMap<string, Program>;

  constructor(dialect: Dialect) {
    const launch = launchCluster(dialect);
    const launchIfThere: Program = (call) =>
      fileText(call, LAUNCH_SCRIPT) === undefined
        ? sh(call, `env: './launch-cluster.sh': No such file or directory`, NOT_FOUND)
        : launch(call);
    this.#programs = new Map<string, Program>([
      ...Object.entries(PLAIN_COMMANDS),
      ["docker", docker],
      ["nvidia-smi", nvidiaSmi],
      ["timeout", (call) => this.#run({ ...call, argv: call.argv.slice(2) })],
      ["env", (call) => this.#env(call)],
      ["sh", (call) => this.#namedScript(call)],
      ["./hf-download.sh", hfDownload],
      ["./launch-cluster.sh", launchIfThere],
      [LAUNCH_SCRIPT, launchIfThere],
    ]);
    this.#scripts = new Map(Object.entries(namedScripts((call) => this.#run(call))));
  }

  /** Whether it has a program of that name, or a named script. */
  knows(name: string): boolean {
    return this.#programs.has(name) || this.#scripts.has(name);
  }

  /** Runs a line as `sh -c` would. @param call its `argv` is ignored */
  async line(text: string, call: Omit<Invocation, "argv">): Promise<number> {
    let line: ShellLine;
    try {
      line = parseShellLine(text);
    } catch (error) {
      if (!(error instanceof ShellSyntaxError)) throw error;
      return sh({ ...call, argv: [] }, `sh: syntax error: ${error.message}`, SYNTAX_ERROR);
    }
    const [first] = line.commands;
    if (line.nonce === null) return this.#run({ ...call, argv: first!.map((word) => expand(word, HOME)) });
    const merged = { ...call, stdio: { out: call.stdio.out, err: call.stdio.out } };
    for (const command of line.commands) {
      const code = await this.#run({ ...merged, argv: command.map((word) => expand(word, HOME)) });
      call.stdio.out(`\n${line.nonce} ${code}\n`);
    }
    return 0;
  }

  async #run(call: Invocation): Promise<number> {
    const name = call.argv[0] ?? "";
    const program = this.#programs.get(name);
    return program ? program(call) : sh(call, `sh: 1: ${name}: not found`, NOT_FOUND);
  }

  /** `env NAME=value… COMMAND` */
  #env(call: Invocation): Promise<number> | number {
    const words = call.argv.slice(1);
    const end = words.findIndex((word) => !/^[A-Za-z_][A-Za-z0-9_]*=/.test(word));
    if (end < 0) return 0;
    const added = words.slice(0, end).map((word) => {
      const equals = word.indexOf("=");
      return [word.slice(0, equals), word.slice(equals + 1)] as const;
    });
    return this.#run({ ...call, argv: words.slice(end), env: { ...call.env, ...Object.fromEntries(added) } });
  }

  /** `sh -c TEXT NAME ARG…`: the text is not run, its name says what it does. */
  #namedScript(call: Invocation): Promise<number> | number {
    const [, flag, , name] = call.argv;
    const program = flag === "-c" && name !== undefined ? this.#scripts.get(name) : undefined;
    return program ? program(call) : sh(call, `sh: 1: ${name ?? ""}: not found`, NOT_FOUND);
  }
}
