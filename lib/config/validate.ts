/**
 * What a value that ends in a command on a Spark may look like. Each predicate returns null when the value is fine, else
 * the reason in words that complete "The value …". Quoting (lib/ssh/quote.ts) already keeps every value one argument;
 * these rules keep it from being an option in disguise, from leaving its folder, and from reaching the one place that
 * the launch script does not quote (VLLM_SPARK_EXTRA_DOCKER_ARGS).
 */
import { isIPv4, isIPv6 } from "node:net";

export type Refusal = string | null;

const MAX_PATH_LENGTH = 1024;
const MAX_ARGUMENT_LENGTH = 64 * 1024;

const OPTION = 'begins with "-", which a program would read as an option';

/** What no value may contain or begin with, whatever it is. */
function common(text: string, maxLength: number): Refusal {
  if (text === "") return "is empty";
  if (text.includes("\0")) return "contains a NUL character";
  if (/[\r\n]/.test(text)) return "contains a line break";
  if (text.startsWith("-")) return OPTION;
  if (text.length > maxLength) return `is longer than ${maxLength} characters`;
  return null;
}

function matching(text: string, maxLength: number, pattern: RegExp, otherwise: string): Refusal {
  return common(text, maxLength) ?? (pattern.test(text) ? null : otherwise);
}

/** A login name on a Spark. */
export function invalidUserName(text: string): Refusal {
  return matching(
    text,
    32,
    /^[A-Za-z_][A-Za-z0-9_.-]*$/,
    'may have only letters, digits, "_", "." and "-", and begins with a letter or "_"',
  );
}

/** A host name, an IPv4 or an IPv6 address (without brackets; a zone such as `%eth0` is allowed), without a port. */
export function invalidHost(text: string): Refusal {
  const refusal = common(text, 253);
  if (refusal !== null) return refusal;
  if (text.includes(":")) return isIPv6(text) && /^[0-9A-Fa-f:.]+(%[A-Za-z0-9_.-]+)?$/.test(text) ? null : NOT_A_HOST;
  if (isIPv4(text)) return null;
  const labels = text.replace(/\.$/, "").split(".");
  // A last label of digits makes a resolver read the name as a (malformed or abbreviated) IPv4 address.
  if (/^\d+$/.test(labels.at(-1) ?? "")) return "looks like an IPv4 address but is not one";
  return labels.every((label) => /^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/.test(label)) ? null : NOT_A_HOST;
}
const NOT_A_HOST = "is neither a host name nor an IP address (write it without user, port and brackets)";

/** A TCP port. */
export function invalidPort(port: number): Refusal {
  return Number.isInteger(port) && port >= 1 && port <= 65_535 ? null : "is not a port number from 1 to 65535";
}

/** A container name, as Docker's own rule has it. */
export function invalidContainerName(text: string): Refusal {
  return matching(
    text,
    128,
    /^[A-Za-z0-9][A-Za-z0-9_.-]+$/,
    'may have only letters, digits, "_", "." and "-", begins with a letter or digit, and has at least two characters',
  );
}

const IMAGE =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?\/)?[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/;

/** An image reference: `[registry[:port]/]name[:tag][@sha256:digest]`. */
export function invalidImage(text: string): Refusal {
  return matching(text, 512, IMAGE, "is not an image reference such as vllm-node or registry.example/vllm:26.01");
}

function invalidSegments(segments: readonly string[]): Refusal {
  if (segments.includes(".") || segments.includes("..")) return 'contains a "." or ".." segment';
  if (segments.includes("")) return 'contains "//"';
  if (!segments.every((segment) => /^[A-Za-z0-9._+@=,-]+$/.test(segment))) {
    return 'may have only letters, digits and "._+@=,-" between its slashes';
  }
  return null;
}

const withoutTrailingSlash = (text: string): string => (text.endsWith("/") ? text.slice(0, -1) : text);

/** A path from the root: `/models/qwen`. Not the root itself. One trailing slash is allowed. */
export function invalidAbsolutePath(text: string): Refusal {
  const refusal = common(text, MAX_PATH_LENGTH);
  if (refusal !== null) return refusal;
  if (!text.startsWith("/")) return 'does not begin with "/"';
  if (text === "/") return "is the root of the disk";
  return invalidSegments(withoutTrailingSlash(text).slice(1).split("/"));
}

/** A path from the root or from the home of the SSH user: `/opt/x`, `~`, `~/spark-vllm-docker`. */
export function invalidPath(text: string): Refusal {
  if (text === "~" || text === "~/") return null;
  if (!text.startsWith("~/")) {
    const refusal = invalidAbsolutePath(text);
    return refusal === 'does not begin with "/"' ? 'begins neither with "/" nor with "~/"' : refusal;
  }
  return common(text, MAX_PATH_LENGTH) ?? invalidSegments(withoutTrailingSlash(text).slice(2).split("/"));
}

/** A path below some folder: `mods/fix-qwen`. */
export function invalidRelativePath(text: string): Refusal {
  const refusal = common(text, MAX_PATH_LENGTH);
  if (refusal !== null) return refusal;
  if (text.startsWith("/") || text.startsWith("~")) return "must be a path below the folder, not from the root or home";
  return invalidSegments(withoutTrailingSlash(text).split("/"));
}

/** Whether `path` lies below `folder`. Both must have passed their predicate: without dot segments text decides. */
export function isInside(folder: string, path: string): boolean {
  return path.startsWith(`${withoutTrailingSlash(folder)}/`);
}

/** The name of an environment variable. */
export function invalidEnvName(text: string): Refusal {
  return matching(
    text,
    128,
    /^[A-Za-z_][A-Za-z0-9_]*$/,
    'may have only letters, digits and "_", and does not begin with a digit',
  );
}

/**
 * A value that goes into VLLM_SPARK_EXTRA_DOCKER_ARGS. The launch script expands that variable unquoted on the head (word
 * splitting, globs) and a worker's shell parses it a second time, so no quoting can protect the value.
 */
export function invalidDockerEnvValue(text: string): Refusal {
  if (text.length > 4096) return "is longer than 4096 characters";
  if (text.includes("\0")) return "contains a NUL character";
  if (/\s/.test(text)) return "contains a space or line break, which the launch script would split";
  return /^[A-Za-z0-9_@%+=:,./-]*$/.test(text)
    ? null
    : 'contains a character that a shell would act on; allowed are letters, digits and "_@%+=:,./-"';
}

/** A network or RDMA interface: `enp1s0f1np1`, `rocep1s0f1`. */
export function invalidInterfaceName(text: string): Refusal {
  return matching(text, 63, /^[A-Za-z0-9][A-Za-z0-9_.-]*$/, 'may have only letters, digits, "_", "." and "-"');
}

/** One interface or several with commas between, as `--ib-if` takes them. */
export function invalidInterfaceList(text: string): Refusal {
  for (const name of text.split(",")) {
    const refusal = invalidInterfaceName(name);
    if (refusal !== null) return refusal;
  }
  return null;
}

/**
 * A Hugging Face repository, `org/name`. The rules for each half are those of huggingface_hub's `validate_repo_id`: no `--`
 * or `..`, no `-` or `.` at either end, at most 96 characters in all, not ending in `.git`.
 */
export function invalidRepoId(text: string): Refusal {
  const refusal = common(text, 96);
  if (refusal !== null) return refusal;
  const halves = text.split("/");
  if (halves.length !== 2) return 'is not of the form "org/name"';
  if (text.includes("--") || text.includes("..")) return 'contains "--" or ".."';
  if (text.endsWith(".git")) return 'ends in ".git"';
  return halves.every((half) => /^[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?$/.test(half))
    ? null
    : 'may have only letters, digits, "_", "." and "-", none of "." and "-" at an end of either half';
}

/**
 * Any single argument of a program. Line breaks are allowed: quoted they stay inside the one argument (nested JSON has
 * them). NUL is refused, it would end the argument early; so is a lone surrogate, which has no UTF-8 form.
 */
export function invalidArgument(text: string): Refusal {
  if (text.includes("\0")) return "contains a NUL character";
  if (!text.isWellFormed()) return "is not valid Unicode (half of a surrogate pair)";
  return text.length > MAX_ARGUMENT_LENGTH ? `is longer than ${MAX_ARGUMENT_LENGTH} characters` : null;
}

/** An argument that must not be taken for an option: a name or path that a program gets as an operand. */
export function invalidOperand(text: string): Refusal {
  if (text === "") return "is empty";
  if (text.startsWith("-")) return OPTION;
  return invalidArgument(text);
}
