/** Docker, the image and the launch script: what a launch needs on a Spark. */
import { DAEMON_DOWN, isUnusable } from "../spark/docker-trouble.ts";
import { command, path, quote } from "../ssh/quote.ts";
import { type Dialect, readDialect } from "../swap/launch-command.ts";
import { evidenceOf, type Finding } from "./check.ts";
import { buildLine, sendImageLine, shellPath } from "./lines.ts";
import { isHead, type Visit } from "./visit.ts";

const SCRIPT = "launch-cluster.sh";
const REPOSITORY = "https://github.com/eugr/spark-vllm-docker";
const NOT_FOUND = 127;

/** The user may use docker, without sudo. */
export async function findDocker(visit: Visit): Promise<Finding> {
  const { node } = visit;
  const { exitCode, stdout, stderr } = await visit.exec(command(["docker", "ps", "--format", "json"]));
  if (exitCode === 0) {
    const count = stdout.split("\n").filter((line) => line.trim() !== "").length;
    const words = count === 0 ? "no container runs" : count === 1 ? "1 container runs" : `${count} containers run`;
    return { state: "ok", seen: `${node.user} may use it; ${words}.` };
  }
  const evidence = evidenceOf(stderr, stdout);
  const fix = (text: string, line: string) => ({ text, where: node.name, lines: [line] });
  if (exitCode === NOT_FOUND)
    return {
      state: "failed",
      seen: "Docker is not installed.",
      evidence,
      fix: fix("DGX OS brings Docker along. Put it back, then check again.", "sudo apt-get install -y docker.io"),
    };
  if (DAEMON_DOWN.test(stderr))
    return {
      state: "failed",
      seen: "Docker is installed but does not run.",
      evidence,
      fix: fix("Start it, now and at every boot.", "sudo systemctl enable --now docker"),
    };
  if (!isUnusable(exitCode, stderr))
    return { state: "failed", seen: `docker ended with code ${exitCode}.`, evidence, fix: null };
  return {
    state: "failed",
    seen: `${node.user} may not use Docker: the user is not in its group.`,
    evidence,
    fix: fix(
      "Add the user to the group. It counts from the next login on; checking again logs in anew.",
      `sudo usermod -aG docker ${quote(node.user)}`,
    ),
  };
}

function dialectWords({ joinsArguments, knowsSolo }: Dialect): string {
  const arguments_ = joinsArguments
    ? "a release before March 2026, which joins its arguments; they are quoted once more for it"
    : "a release that keeps its arguments as they are";
  return `${arguments_}${knowsSolo ? ", with --solo for one Spark" : ""}`;
}

/** The launch script lies in its folder, may be run, and is one of those whose way of working is known. */
export async function findLaunchScript(visit: Visit): Promise<Finding> {
  const { node } = visit;
  const file = `${node.launch_dir}/${SCRIPT}`;
  const { exitCode, stdout, stderr } = await visit.exec(command(["cat", path(file)]));
  if (exitCode !== 0) {
    if (!isHead(visit))
      return {
        state: "skipped",
        seen: `Not in ${node.launch_dir}. It is needed on ${visit.head} only, unless a model is to run here alone.`,
      };
    return {
      state: "failed",
      seen: `There is no ${file}.`,
      evidence: evidenceOf(stderr),
      fix: {
        text: "Get it, or say in which folder it lies (Launch folder).",
        where: node.name,
        lines: [`git clone ${REPOSITORY} ${shellPath(node.launch_dir)}`],
      },
    };
  }
  const executable = await visit.exec(command(["test", "-x", path(file)]));
  if (executable.exitCode !== 0)
    return {
      state: "failed",
      seen: `${file} is there but may not be run.`,
      fix: { text: "Make it a program.", where: node.name, lines: [`chmod +x ${shellPath(file)}`] },
    };
  if (!/\bCOMMAND_TO_RUN=/.test(stdout))
    return {
      state: "warning",
      seen: `${file} is there, but it is not a launch script that Spark Control knows.`,
      evidence: evidenceOf(stdout.split("\n").slice(0, 5).join("\n")),
      fix: {
        text: "Launching may fail. Use the one of spark-vllm-docker, brought up to date.",
        where: node.name,
        lines: [`cd ${shellPath(node.launch_dir)} && git pull`],
      },
    };
  return { state: "ok", seen: `${file}: ${dialectWords(readDialect(stdout))}.` };
}

/** Id of the image; null when it is not there or docker cannot be used. */
async function imageId(visit: Visit): Promise<{ id: string | null; usable: boolean; said: string }> {
  const inspect = command(["docker", "image", "inspect", "--format", "{{.Id}}", visit.image]);
  const { exitCode, stdout, stderr } = await visit.exec(inspect);
  return { id: exitCode === 0 ? stdout.trim() : null, usable: !isUnusable(exitCode, stderr), said: stderr };
}

const short = (id: string): string => id.replace(/^sha256:/, "").slice(0, 12);

/** @param head the visit to the first Spark, where it is logged in: both must have the same build */
export async function findImage(visit: Visit, head: Visit | null): Promise<Finding> {
  const { node, image } = visit;
  const { id, usable, said } = await imageId(visit);
  if (!usable) return { state: "skipped", seen: "Not checked: Docker cannot be used yet." };
  const other = head === null || isHead(visit) ? null : await imageId(head);
  const send = { where: visit.head, lines: [sendImageLine(image, visit.address)] };
  if (id === null) {
    const fromHead = other?.id != null;
    return {
      state: "failed",
      seen: `There is no image ${image}.`,
      evidence: evidenceOf(said),
      fix: fromHead
        ? { text: `Send it from ${visit.head}, so that both have the same build.`, ...send }
        : {
            text: "Build it; that takes about half an hour.",
            where: node.name,
            lines: [buildLine(node.launch_dir, image)],
          },
    };
  }
  if (other?.id != null && other.id !== id)
    return {
      state: "warning",
      seen: `${image} is another build than on ${visit.head}; models over both Sparks may fail.`,
      evidence: `${visit.head}: ${short(other.id)}\n${node.name}: ${short(id)}`,
      fix: { text: `Send the one of ${visit.head}.`, ...send },
    };
  return { state: "ok", seen: `${image} is there (${short(id)}).` };
}
