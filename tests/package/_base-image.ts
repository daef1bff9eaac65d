/** A base image made on this machine: Debian by debootstrap, and the Bun that runs this, which came from npm. */
import { copyFile, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { must } from "../lab/command.ts";
import { PATH, type Podman } from "./_podman.ts";

export const BASE = "localhost/spark-control-base:test";

const SUITE = "bookworm";
/** What this machine trusts: a registry behind a proxy of its own has a certificate that Debian does not know. */
const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";

/** Needs a Debian mirror, or the packages in debootstrap's own way of being told (`DEBIAN_MIRROR`). */
export async function makeBaseImage(podman: Podman): Promise<void> {
  const root = join(podman.folder, "base");
  const mirror = process.env.DEBIAN_MIRROR ?? "http://deb.debian.org/debian";
  await must(["debootstrap", "--variant=minbase", "--include=ca-certificates", SUITE, root, mirror], {
    env: { PATH, HOME: podman.folder },
  });
  for (const folder of ["var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale"])
    await rm(join(root, folder), { recursive: true, force: true });
  await mkdir(join(root, "usr/local/bin"), { recursive: true });
  await copyFile(process.execPath, join(root, "usr/local/bin/bun"));
  await copyFile(CERTIFICATES, join(root, CERTIFICATES)).catch(() => undefined);
  const settings = ["-c", `ENV NODE_EXTRA_CA_CERTS=${CERTIFICATES}`, "-c", "ENV PATH=/usr/local/bin:/usr/bin:/bin"];
  await podman.must(["import", ...settings, "-", BASE], "own", `tar -C '${root}' -c .`);
  await rm(root, { recursive: true, force: true });
}
