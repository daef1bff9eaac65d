/** Runs the checks of all Sparks side by side and hands on each finding as it comes. Changes nothing on a Spark. */
import { isIPv4 } from "node:net";
import { createSsh, type SshOptions } from "../ssh/connection-pool.ts";
import { SshError } from "../ssh/errors.ts";
import { readFence } from "../ssh/fence.ts";
import type { Ssh, SshTarget } from "../ssh/ssh.ts";
import type { Node } from "../topology/topology.ts";
import { CHECK_IDS, CHECKS, type CheckId, type CheckResult, evidenceOf, type Finding } from "./check.ts";
import { findDocker, findImage, findLaunchScript } from "./find-docker.ts";
import { findFromHead } from "./find-from-head.ts";
import { findClock, findDisk, findGpu, findOwner } from "./find-machine.ts";
import { authorizeLine } from "./lines.ts";
import type { ShownKeys } from "./shown-keys.ts";
import type { Visit } from "./visit.ts";

const CONNECT_MS = 8_000;
/** Longer than the attempt itself, so that its own reason is told. */
const LOGIN_MS = CONNECT_MS + 2_000;
const COMMAND_MS = 10_000;

export interface CheckOrder {
  /** The first is the head. */
  readonly nodes: readonly Node[];
  readonly image: string;
}

export interface Checker {
  readonly privateKey: string;
  readonly publicKeyLine: string;
  readonly keys: ShownKeys;
  /** This controller's id, for the fence. */
  readonly instance: string;
  /** Milliseconds since the epoch. */
  now(): number;
  readonly ssh?: Pick<SshOptions, "keepaliveIntervalMs" | "keepaliveCountMax" | "readyTimeoutMs"> | undefined;
}

/** The checks that a Spark at this place of the list gets. */
export function checksOf(index: number): readonly CheckId[] {
  return CHECK_IDS.filter((check) => check !== "from_head" || index > 0);
}

/**
 * Every Spark gets a connection of its own, made for this run: a user who has just been added to a group has it only in
 * a new login.
 * @param emit called once for each check of each Spark
 */
export async function checkSparks(
  order: CheckOrder,
  checker: Checker,
  emit: (result: CheckResult) => void,
  signal: AbortSignal,
): Promise<void> {
  const { privateKey, keys } = checker;
  const ssh = createSsh({ privateKey, hostKeys: keys, readyTimeoutMs: CONNECT_MS, ...checker.ssh });
  const [first] = order.nodes;
  if (first === undefined) return;
  try {
    const visits = order.nodes.map((node) => new SparkCheck(node, { ssh, checker, emit, signal }));
    const head = visits[0]!;
    const logins = visits.map((visit) => visit.logIn(order.image, first.name));
    await Promise.all(visits.map(async (visit, index) => visit.look(await logins[index]!, logins[0]!, visit === head)));
  } finally {
    await ssh.close();
  }
}

interface Means {
  readonly ssh: Ssh;
  readonly checker: Checker;
  readonly emit: (result: CheckResult) => void;
  readonly signal: AbortSignal;
}

class SparkCheck {
  readonly #target: SshTarget;

  constructor(
    private readonly node: Node,
    private readonly means: Means,
  ) {
    this.#target = { host: node.host, port: node.ssh_port, user: node.user };
  }

  /** The first three checks. @returns null when it is not logged in */
  async logIn(image: string, head: string): Promise<Visit | null> {
    const { node, means } = this;
    let peer: string;
    try {
      peer = await means.ssh.peerAddress(this.#target, { deadlineMs: LOGIN_MS, signal: means.signal });
    } catch (error) {
      if (!(error instanceof SshError)) throw error;
      this.#tellRefusal(error);
      return null;
    }
    const address = node.address ?? (isIPv4(node.host) ? node.host : peer);
    this.#tell("reachable", reachedAt(peer, address, node.ssh_port));
    this.#tell("host_key", this.#identity());
    this.#tell("login", { state: "ok", seen: `${node.user} is let in with Spark Control's key.` });
    return {
      node,
      image,
      head,
      address,
      exec: (command, deadlineMs = COMMAND_MS) =>
        means.ssh.exec(this.#target, command, { deadlineMs, signal: means.signal }),
    };
  }

  /** All others. @param visit null: they are skipped */
  async look(visit: Visit | null, head: Promise<Visit | null>, isHead: boolean): Promise<void> {
    const first = await head;
    const { checker } = this.means;
    const looks: Partial<Record<CheckId, (visit: Visit) => Promise<Finding>>> = {
      docker: findDocker,
      launch_script: findLaunchScript,
      image: (one) => findImage(one, first),
      disk: findDisk,
      gpu: findGpu,
      clock: (one) => findClock(one, checker.now),
      owner: () => this.#owner(),
      ...(isHead
        ? {}
        : {
            from_head: async (one) =>
              first === null
                ? { state: "skipped", seen: "Not checked: the first Spark is not logged in to." }
                : findFromHead(first, one),
          }),
    };
    await Promise.all(
      Object.entries(looks).map(async ([check, find]) => {
        const skipped: Finding = { state: "skipped", seen: "Not checked: Spark Control is not logged in." };
        this.#tell(check as CheckId, visit === null ? skipped : await this.#careful(() => find(visit)));
      }),
    );
  }

  async #careful(find: () => Promise<Finding>): Promise<Finding> {
    try {
      return await find();
    } catch (error) {
      if (!(error instanceof SshError)) throw error;
      return { state: "failed", seen: error.message, evidence: causeOf(error) };
    }
  }

  async #owner(): Promise<Finding> {
    const { ssh, checker, signal } = this.means;
    const { instance } = await readFence(ssh, this.#target, { deadlineMs: COMMAND_MS, signal });
    return findOwner(checker.instance, instance);
  }

  #identity(): Finding {
    const { pinnedType } = this.means.checker.keys;
    const type = pinnedType(this.node.host, this.node.ssh_port);
    return { state: "ok", seen: `It shows the identity that was confirmed${type === null ? "" : ` (${type})`}.` };
  }

  #tellRefusal(error: SshError): void {
    const { node } = this;
    const evidence = causeOf(error);
    const shown = this.means.checker.keys.shown(node.host, node.ssh_port);
    const reached: Finding = { state: "ok", seen: `It answers on port ${node.ssh_port}.` };
    const skipped: Finding = { state: "skipped", seen: "Not checked yet." };
    if (error.reason === "host_key" && shown !== null) {
      this.#tell("reachable", reached);
      this.#tell("host_key", {
        state: shown.expected === null ? "warning" : "failed",
        seen:
          shown.expected === null
            ? "New here. Compare its fingerprint before Spark Control trusts it."
            : "It shows another identity than last time. If you reinstalled it, accept the new one; if not, stop here.",
        confirm: shown,
        evidence: shown.expected === null ? null : `until now: ${shown.expected}\nnow: ${shown.fingerprint}`,
      });
      this.#tell("login", { state: "skipped", seen: "Not checked: its identity is not confirmed." });
    } else if (error.reason === "key_refused") {
      this.#tell("reachable", reached);
      this.#tell("host_key", this.#identity());
      this.#tell("login", {
        state: "failed",
        seen: `${node.user} is not let in with Spark Control's key.`,
        evidence,
        fix: {
          text: `In a terminal on it, logged in as ${node.user}, paste this. If there is no such user, correct the user above.`,
          where: node.name,
          lines: [authorizeLine(this.means.checker.publicKeyLine)],
        },
      });
    } else {
      this.#tell("reachable", {
        state: "failed",
        seen: error.message,
        evidence,
        fix: {
          text: "Check that it is switched on, that the address is right and that it allows SSH. On the Spark, this starts SSH and shows its addresses.",
          where: node.name,
          lines: ["sudo systemctl enable --now ssh; hostname -I"],
        },
      });
      this.#tell("host_key", skipped);
      this.#tell("login", skipped);
    }
  }

  #tell(check: CheckId, finding: Finding): void {
    if (this.means.signal.aborted) return;
    const nothing = { evidence: null, fix: null, confirm: null };
    this.means.emit({ node: this.node.name, check, title: CHECKS[check], ...nothing, ...finding });
  }
}

/** @param address what the launch script and HTTP would use */
function reachedAt(peer: string, address: string, port: number): Finding {
  const seen = `It answers at ${peer}, port ${port}.`;
  if (isIPv4(address)) return { state: "ok", seen };
  return {
    state: "warning",
    seen,
    fix: {
      text: "The launch script needs an IPv4 address: enter it as “Address between the Sparks”.",
      where: null,
      lines: [],
    },
  };
}

function causeOf(error: SshError): string | null {
  return error.cause instanceof Error ? evidenceOf(error.cause.message) : null;
}
