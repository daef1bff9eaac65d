/** Whether this machine can carry the lab. */
import { run } from "./command.ts";

const TOOLS = [
  "podman",
  "runc",
  "sshd",
  "ssh",
  "ssh-keygen",
  "busybox",
  "ip",
  "iptables",
  "nsenter",
  "unshare",
  "ps",
  "ldd",
  "tar",
  "git",
];
const PACKAGES = "podman runc openssh-server openssh-client busybox-static iproute2 iptables procps git";

export interface Availability {
  readonly available: boolean;
  /** What is missing and how to get it; empty when nothing is. */
  readonly how: string;
}

/** Looks for root, the tools and namespaces. The answer fits `requirement` of tests/support. */
export async function labAvailability(): Promise<Availability> {
  const no = (how: string): Availability => ({ available: false, how });
  if (process.platform !== "linux") return no("needs Linux");
  if (process.getuid?.() !== 0) return no("needs root");
  const path = `${process.env.PATH}:/usr/sbin:/sbin`;
  const missing = TOOLS.filter((tool) => Bun.which(tool, { PATH: path }) === null);
  if (missing.length > 0)
    return no(`${missing.join(", ")} missing (apt-get install --no-install-recommends ${PACKAGES})`);
  const namespaces = await run(["unshare", "--mount", "--net", "--uts", "--pid", "--fork", "--mount-proc", "true"]);
  if (namespaces.exitCode !== 0) return no(`no namespaces here: ${namespaces.stderr.trim()}`);
  const bridge = await run(["unshare", "--net", "ip", "link", "add", "probe", "type", "bridge"]);
  return bridge.exitCode === 0 ? { available: true, how: "" } : no(`no bridges here: ${bridge.stderr.trim()}`);
}
