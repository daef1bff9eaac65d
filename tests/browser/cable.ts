/**
 * A cable between the controller and a browser: the browser lives in a network namespace of its own and reaches the
 * controller at an address that is not loopback. Browsers trust localhost: there the clipboard works, and what a page on
 * a home network must do without is never met. A cable of its own also keeps other tests' networks out of the browser,
 * which drops its connections whenever an interface of its machine changes.
 */
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

const FIRST = 20;
const LAST = 249;
const PATH = "/usr/sbin:/sbin:/usr/bin:/bin";
const TOOLS = ["ip", "nsenter"];

export interface Cable {
  /** The controller's end. */
  readonly hostname: string;
  /** A script that runs a program at the other end. */
  wrap(executable: string): string;
  remove(): void;
}

const ip = (...words: string[]) => Bun.spawnSync(["ip", ...words], { env: { PATH } });

function must(...words: string[]): void {
  const { exitCode, stderr } = ip(...words);
  if (exitCode !== 0) throw new Error(`ip ${words.join(" ")}: ${stderr.toString().trim()}`);
}

/** Whether this process may lay one. */
export const canLayCable =
  process.platform === "linux" &&
  process.getuid?.() === 0 &&
  TOOLS.every((tool) => Bun.which(tool, { PATH }) !== null) &&
  Bun.spawnSync(["unshare", "--net", "ip", "link", "add", "probe", "type", "veth"], { env: { PATH } }).exitCode === 0;

/** Removes what processes left that ended before they could. */
function sweep(): void {
  const names =
    ip("netns", "list")
      .stdout.toString()
      .match(/^sparkweb\d+-\d+/gm) ?? [];
  for (const name of names) {
    const [device = "", pid] = name.split("-");
    if (!existsSync(`/proc/${pid}`)) remove(device, name);
  }
}

function remove(device: string, namespace: string): void {
  ip("link", "del", device);
  ip("netns", "del", namespace);
}

/** Takes a free 10.78.x.0/24: making its interface is what claims it. */
export function layCable(): Cable {
  sweep();
  const span = LAST - FIRST + 1;
  const start = Math.floor(Math.random() * span);
  for (let tried = 0; tried < span; tried++) {
    const subnet = FIRST + ((start + tried) % span);
    const device = `sparkweb${subnet}`;
    const namespace = `${device}-${process.pid}`;
    must("netns", "add", namespace);
    const made = ip("link", "add", device, "type", "veth", "peer", "name", "eth0", "netns", namespace);
    if (made.exitCode !== 0) {
      ip("netns", "del", namespace);
      if (made.stderr.toString().includes("File exists")) continue;
      throw new Error(`ip link add ${device}: ${made.stderr.toString().trim()}`);
    }
    const hostname = `10.78.${subnet}.1`;
    const folder = mkdtempSync(join(tmpdir(), "spark-cable-"));
    must("addr", "add", `${hostname}/24`, "dev", device);
    must("link", "set", device, "up");
    must("-n", namespace, "addr", "add", `10.78.${subnet}.2/24`, "dev", "eth0");
    must("-n", namespace, "link", "set", "lo", "up");
    // Else the kernel gives it an IPv6 address of its own, a second or two later: for Chromium the network changes in the middle of a page.
    must("-n", namespace, "link", "set", "eth0", "addrgenmode", "none");
    must("-n", namespace, "link", "set", "eth0", "up");
    return {
      hostname,
      wrap(executable) {
        const script = join(folder, basename(executable));
        writeFileSync(script, `#!/bin/sh\nexec nsenter --net=/run/netns/${namespace} '${executable}' "$@"\n`);
        chmodSync(script, 0o755);
        return script;
      },
      remove() {
        remove(device, namespace);
        rmSync(folder, { recursive: true, force: true });
      },
    };
  }
  throw new Error("no free subnet below 10.78.0.0/16");
}
