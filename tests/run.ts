/**
 * `bun run test`: every test that this machine can run, group by group, each in a process of its own, then what was
 * skipped and why, and one line with the figures. Arguments choose groups: `bun tests/run.ts unit lab`.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "..");
/** A test that does not say otherwise may take this long; the machine may be slow and busy. */
const TEST_LIMIT_MS = 60_000;
/** Characters of an error that are shown once more at the end. */
const ERROR_LENGTH = 1_200;
/** A process that outlives its test run may hold its pipes open; nobody waits for that. */
const PIPE_GRACE_MS = 2_000;

/** Files go to two lanes, for the two cores that a small machine has; each is a process of its own. */
interface Lanes {
  /** Names of the files that take longest, which begin. */
  readonly first: readonly string[];
  /** The others: one process each, or a few for all of them. */
  readonly others: "each" | "in batches";
  /** What measures times or memory runs by itself, once the lanes are empty. */
  readonly alone: readonly string[];
}

interface Group {
  readonly name: string;
  readonly folders: readonly string[];
  /** Default: all in one process. */
  readonly lanes?: Lanes;
}

const LANES = 2;
/** To start a process takes half a second, and most files need less. */
const BATCHES = 4;

/** The lab comes last: it takes the machine for itself. Its tests wait more than they work, and each has hosts of its own. */
const GROUPS: readonly Group[] = [
  { name: "rules", folders: ["tests/rules/"] },
  {
    name: "unit",
    folders: ["tests/lib/", "tests/routes/", "tests/support/", "tests/bench/"],
    lanes: {
      first: ["ssh/injection", "engine-model", "upgrade/property", "cuts-openssh", "upgrade/damage", "ssh/cuts"],
      others: "in batches",
      alone: [],
    },
  },
  {
    name: "integration",
    folders: ["tests/integration/", "tests/docs/"],
    lanes: {
      first: ["linearizable/lock", "network-faults", "failure-matrix", "full-controller-disk", "broken-configuration"],
      others: "in batches",
      alone: [
        ...["gateway-soak", "gateway-ends", "gateway-fairness", "gateway-broken-answers", "gateway-kept-bodies"],
        ...["streams", "webhooks"],
      ],
    },
  },
  {
    name: "browser",
    folders: ["tests/browser/"],
    lanes: {
      first: ["browser/views", "browser/dashboard", "browser/set-up"],
      others: "each",
      alone: ["browser/lighthouse", "browser/log", "browser/feed", "browser/stall"],
    },
  },
  { name: "package", folders: ["tests/package/"] },
  {
    name: "lab",
    folders: ["tests/lab/"],
    lanes: { first: ["kill-points", "lab/failures", "lab/swap", "survive", "launch"], others: "each", alone: [] },
  },
];

interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

interface Outcome extends Tally {
  readonly reasons: readonly string[];
  /** What failed, by its whole name and with its error, so that it stands at the end of a log of thousands of lines too. */
  readonly failures: readonly string[];
}

const hasTests = (folder: string) =>
  existsSync(join(ROOT, folder)) && !new Bun.Glob("**/*.test.ts").scanSync({ cwd: join(ROOT, folder) }).next().done;

/** Passes on what a stream says while keeping it. */
async function copy(stream: ReadableStream<Uint8Array>, to: NodeJS.WriteStream | null, kept: string[]): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    to?.write(chunk);
    kept.push(decoder.decode(chunk, { stream: true }));
  }
}

/** @param aloud whether its words are passed on as they come */
async function run(
  command: readonly string[],
  aloud = true,
): Promise<{ readonly exitCode: number; readonly output: string }> {
  const child = Bun.spawn([process.execPath, ...command], {
    cwd: ROOT,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const out: string[] = [];
  const err: string[] = [];
  const copies = Promise.all([
    copy(child.stdout, aloud ? process.stdout : null, out),
    copy(child.stderr, aloud ? process.stderr : null, err),
  ]);
  const exitCode = await child.exited;
  await Promise.race([copies, Bun.sleep(PIPE_GRACE_MS)]);
  return { exitCode, output: `${out.join("")}\n${err.join("")}` };
}

/** The figures of `bun test`'s summary: ` 12 pass`. The last one counts: a test may print such a line itself. */
function figure(output: string, word: string): number {
  return Number([...output.matchAll(new RegExp(`^ (\\d+) ${word}$`, "gm"))].at(-1)?.[1] ?? 0);
}

/** The error of a test stands between the line of the test before it and its own. */
function failuresOf(output: string): readonly string[] {
  const failures: string[] = [];
  const seen = new Set<string>();
  let error: string[] = [];
  for (const line of output.split("\n")) {
    // The summary names them once more.
    if (line.startsWith("(fail) ") && !seen.has(line))
      failures.push(`${line}\n${error.join("\n").trim().slice(0, ERROR_LENGTH)}\n`);
    seen.add(line);
    if (/^\((?:pass|fail|skip|todo)\) /.test(line)) error = [];
    else error.push(line);
  }
  return failures;
}

function tally(output: string, exitCode: number): Outcome {
  const failed = figure(output, "fail");
  const reasons = [...output.matchAll(/^skipped: (.+)$/gm)].map((match) => match[1]!);
  const skipped = figure(output, "skip") + figure(output, "todo");
  // A run that ends badly without a failed test has crashed, or a file could not be loaded.
  return {
    passed: figure(output, "pass"),
    failed: failed === 0 && exitCode !== 0 ? 1 : failed,
    skipped,
    reasons,
    failures: failuresOf(output),
  };
}

async function runGroup({ name, folders, lanes }: Group): Promise<Outcome> {
  console.log(`\n── ${name} ──`);
  if (lanes) return runLanes(folders.filter(hasTests), lanes);
  const { exitCode, output } = await run(["test", `--timeout=${TEST_LIMIT_MS}`, ...folders.filter(hasTests)]);
  return tally(output, exitCode);
}

/** What a process says is shown when it has ended, so that two do not speak at once. */
async function runLanes(folders: readonly string[], { first, others, alone }: Lanes): Promise<Outcome> {
  const files = folders
    .flatMap((folder) => [...new Bun.Glob(`${folder}**/*.test.ts`).scanSync({ cwd: ROOT })])
    .sort((a, b) => a.localeCompare(b));
  const named = (name: string) => {
    const found = files.filter((file) => file.endsWith(`/${name}.test.ts`));
    if (found.length !== 1) throw new Error(`${found.length} files are called ${name}`);
    return found;
  };
  const [early, late] = [first.map(named), alone.map(named)];
  const rest = files.filter((file) => ![...early, ...late].some(([other]) => other === file));
  const outcomes: Outcome[] = [];
  const lane = async (waiting: (readonly string[])[]) => {
    for (let batch = waiting.shift(); batch !== undefined; batch = waiting.shift()) {
      const { exitCode, output } = await run(["test", `--timeout=${TEST_LIMIT_MS}`, ...batch], false);
      console.log(output);
      outcomes.push(tally(output, exitCode));
    }
  };
  const batches = others === "each" ? rest.length : BATCHES;
  const shared = [
    ...early,
    ...Array.from({ length: batches }, (_, batch) => rest.filter((_, at) => at % batches === batch)),
  ];
  await Promise.all(Array.from({ length: LANES }, () => lane(shared)));
  await lane(late);
  const total = (of: keyof Tally) => outcomes.reduce((sum, outcome) => sum + outcome[of], 0);
  return {
    passed: total("passed"),
    failed: total("failed"),
    skipped: total("skipped"),
    reasons: outcomes.flatMap((outcome) => outcome.reasons),
    failures: outcomes.flatMap((outcome) => outcome.failures),
  };
}

/** Types as a client of the package sees them; a script of its own because the compiler does the testing. */
async function runTypes(): Promise<Outcome | null> {
  if (!existsSync(join(ROOT, "tests/types/check.ts"))) return null;
  console.log("\n── types ──");
  const { exitCode } = await run(["tests/types/check.ts"]);
  return { passed: exitCode === 0 ? 1 : 0, failed: exitCode === 0 ? 0 : 1, skipped: 0, reasons: [], failures: [] };
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => name !== "types" && !GROUPS.some((group) => group.name === name));
if (unknown.length > 0) {
  console.error(`no such group: ${unknown.join(", ")}; there are ${GROUPS.map(({ name }) => name).join(", ")}, types`);
  process.exit(2);
}
const isWanted = (name: string) => wanted.length === 0 || wanted.includes(name);

const outcomes: Outcome[] = [];
const types = isWanted("types") ? await runTypes() : null;
if (types) outcomes.push(types);
for (const group of GROUPS) {
  if (isWanted(group.name) && group.folders.some(hasTests)) outcomes.push(await runGroup(group));
}

const sum = (of: keyof Tally) => outcomes.reduce((total, outcome) => total + outcome[of], 0);
const reasons = new Set(outcomes.flatMap((outcome) => outcome.reasons));
console.log(reasons.size > 0 ? "\nSkipped on this machine:" : "");
for (const reason of reasons) console.log(`  ${reason}`);
const failures = outcomes.flatMap((outcome) => outcome.failures);
if (failures.length > 0) console.log("Failed:");
for (const failure of failures) console.log(failure);
console.log(`${sum("passed")} passed, ${sum("failed")} failed, ${sum("skipped")} skipped`);
// A skip counts as a failure where everything has to run, and a run without a single test is none.
const isIncomplete = process.env.REQUIRE_ALL === "1" && sum("skipped") > 0;
process.exitCode = sum("failed") > 0 || sum("passed") === 0 || isIncomplete ? 1 : 0;
