/** Lines for a person to paste into a shell on a Spark. Every value in them goes through the one quoting function. */
import { quote } from "../ssh/quote.ts";

/** `~/x` for a shell that expands it, quoted behind the slash. */
export function shellPath(path: string): string {
  if (path === "~" || path === "~/") return "~";
  return path.startsWith("~/") ? `~/${quote(path.slice(2))}` : quote(path);
}

/**
 * Adds a public key for the user who pastes it. The line break in front is for a file that does not end with one; the
 * modes are what sshd insists on (sshd_config(5), StrictModes).
 */
export function authorizeLine(publicKeyLine: string): string {
  const add = `printf '\\n%s\\n' ${quote(publicKeyLine)} >> ~/.ssh/authorized_keys`;
  return `mkdir -p ~/.ssh && chmod 700 ~/.ssh && ${add} && chmod 600 ~/.ssh/authorized_keys`;
}

/** Makes a key pair where there is none, and lets it log in on the other Spark; asks for the password there once. */
export function copyKeyLine(user: string, address: string): string {
  const make = "[ -f ~/.ssh/id_ed25519 ] || ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519";
  return `${make}; ssh-copy-id -i ~/.ssh/id_ed25519.pub ${quote(`${user}@${address}`)}`;
}

const DEFAULT_IMAGE = "vllm-node";

/** Builds the image from the checkout of spark-vllm-docker. */
export function buildLine(launchDir: string, image: string): string {
  const tag = image === DEFAULT_IMAGE ? "" : ` -t ${quote(image)}`;
  return `cd ${shellPath(launchDir)} && ./build-and-copy.sh${tag}`;
}

/** Sends the image from the first Spark to another, so that both have the same build. */
export function sendImageLine(image: string, address: string): string {
  return `docker save ${quote(image)} | ssh ${quote(address)} docker load`;
}
