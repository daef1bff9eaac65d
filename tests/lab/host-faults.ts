/** What may be wrong with a host beside its network: a full disk, missing images, a taken name, a wrong clock. */
import { chmod } from "node:fs/promises";
import type { Host } from "./host.ts";

/** Room on the small disk beside what the home holds already. */
const SMALL_DISK_MIB = 64;
const CLOCK = "../bin/date";

async function must(host: Host, command: string): Promise<string> {
  const { exitCode, stdout, stderr } = await host.exec(command);
  if (exitCode !== 0) throw new Error(`${host.name}: ${command} exited with ${exitCode}: ${stderr}`);
  return stdout;
}

/** The home of the Spark user moves to a small file system of its own, until `remove` or a reboot. */
export class SmallDisk {
  private constructor(private readonly host: Host) {}

  static async install(host: Host): Promise<SmallDisk> {
    await must(
      host,
      `mkdir -p /run/small && mount -t tmpfs -o size=${SMALL_DISK_MIB}m,mode=755 tmpfs /run/small && cp -a ~/. /run/small/ && mount --bind /run/small ~`,
    );
    return new SmallDisk(host);
  }

  /** Up to the last byte: whatever is written next meets ENOSPC. */
  async fill(): Promise<void> {
    const { stderr } = await this.host.exec(
      "cd && head -c 1G /dev/zero >ballast; echo x >more; head -c 1M /dev/zero >>more",
    );
    if (!stderr.includes("No space left on device")) throw new Error(`the disk did not become full: ${stderr}`);
  }

  async empty(): Promise<void> {
    await must(this.host, "cd && rm -f ballast more");
  }

  async remove(): Promise<void> {
    await must(this.host, "cd / && umount -l ~ && umount -l /run/small");
  }
}

/** The host's docker knows no image until `showImages` or a reboot; containers go on. */
export async function hideImages(host: Host): Promise<void> {
  await must(
    host,
    "mount -t tmpfs tmpfs /run/lab-images && mkdir /run/lab-images/overlay-images /run/lab-images/overlay",
  );
}

export async function showImages(host: Host): Promise<void> {
  await must(host, "umount -l /run/lab-images");
}

/** A container of somebody else, from an image of its own, that goes on until it is removed. */
export async function foreignContainer(host: Host, name: string, image: string): Promise<void> {
  await must(
    host,
    `mkdir -p /tmp/foreign/bin && cp /bin/busybox /tmp/foreign/bin/ && tar -C /tmp/foreign -c . | docker import - ${image} && docker run -d --name ${name} ${image} /bin/busybox sleep 100000`,
  );
}

/** Whoever asks that host for the time gets one that is off. @param seconds ahead; 0 puts it right */
export async function moveClock(host: Host, seconds: number): Promise<void> {
  if (seconds === 0) {
    await must(host, "rm -f /run/lab/bin/date");
    return;
  }
  const file = host.homeFile(CLOCK);
  await Bun.write(file, `#!/bin/bash\nexec /bin/date -d '${seconds} seconds' "$@"\n`);
  await chmod(file, 0o755);
}
