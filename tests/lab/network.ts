/** The cable between the controller (this machine's root namespace) and the hosts: a bridge with one veth per host. */
import { must, run } from "./command.ts";

/** The interface's name inside a host, as on a Spark. */
export const ETHERNET = "enp1s0f1np1";

const FIRST_SUBNET = 20;
const LAST_SUBNET = 249;

export const bridgeName = (subnet: number): string => `sparklab${subnet}`;
/** The end of a host's cable that stays on the bridge. @param host 1 or 2 */
export const portName = (subnet: number, host: number): string => `sl${subnet}h${host}`;
export const hostAddress = (subnet: number, host: number): string => `10.77.${subnet}.${10 + host}`;
export const controllerAddress = (subnet: number): string => `10.77.${subnet}.1`;

/** Takes a free 10.77.x.0/24: making its bridge is what claims it, so that two labs cannot take the same. */
export async function claimBridge(): Promise<number> {
  const span = LAST_SUBNET - FIRST_SUBNET + 1;
  const start = Math.floor(Math.random() * span);
  for (let i = 0; i < span; i++) {
    const subnet = FIRST_SUBNET + ((start + i) % span);
    const bridge = bridgeName(subnet);
    const made = await run(["ip", "link", "add", bridge, "type", "bridge"]);
    if (made.exitCode !== 0) {
      if (!made.stderr.includes("File exists")) throw new Error(`ip link add ${bridge}: ${made.stderr.trim()}`);
      continue;
    }
    await must(["ip", "addr", "add", `${controllerAddress(subnet)}/24`, "dev", bridge]);
    await must(["ip", "link", "set", bridge, "up"]);
    return subnet;
  }
  throw new Error("no free subnet below 10.77.0.0/16");
}

/** Connects the network namespace of a process to the bridge. */
export async function plugIn(subnet: number, host: number, pid: number): Promise<void> {
  const port = portName(subnet, host);
  // A machine keeps its hardware address over a power cut: with a new one the controller would talk to the old for a minute.
  const hardware = `02:53:4c:00:${subnet.toString(16).padStart(2, "0")}:0${host}`;
  const inside = ["nsenter", "-t", String(pid), "-n", "ip"];
  await must([
    "ip",
    "link",
    "add",
    port,
    "master",
    bridgeName(subnet),
    "type",
    "veth",
    "peer",
    "name",
    ETHERNET,
    "address",
    hardware,
    "netns",
    String(pid),
  ]);
  await must(["ip", "link", "set", port, "up"]);
  await must([...inside, "link", "set", "lo", "up"]);
  await must([...inside, "addr", "add", `${hostAddress(subnet, host)}/24`, "dev", ETHERNET]);
  await must([...inside, "link", "set", ETHERNET, "up"]);
  await must([...inside, "route", "add", "default", "via", controllerAddress(subnet)]);
}

/** Removes a host's cable on both ends at once: nothing that its sockets still want to say gets out. */
export async function unplug(subnet: number, host: number): Promise<void> {
  await run(["ip", "link", "del", portName(subnet, host)]);
}

/** Pulls or plugs the cable on the bridge side: inside, the default route stays. */
export async function setCable(subnet: number, host: number, state: "up" | "down"): Promise<void> {
  await must(["ip", "link", "set", portName(subnet, host), state]);
}

export async function removeBridge(subnet: number): Promise<void> {
  await run(["ip", "link", "del", bridgeName(subnet)]);
}
