import { readFile } from "node:fs/promises";
import { i18n } from "../i18n";
import { sdk } from "../sdk";

/** Type, base64, and a comment of any printable text. */
const PUBLIC_KEY = /^(?:ssh-[a-z0-9-]+|ecdsa-sha2-nistp\d+) [A-Za-z0-9+/=]+(?: [^\p{Cc}\p{Zl}\p{Zp}]{0,300})?$/u;

export const showSshKey = sdk.Action.withoutInput(
  "show-ssh-key",
  async () => ({
    name: i18n("Show SSH public key"),
    description: i18n("The line that has to be in ~/.ssh/authorized_keys of the user on each Spark."),
    warning: null,
    allowedStatuses: "any",
    group: null,
    visibility: "enabled",
  }),
  async () => {
    const text = await readFile(sdk.volumes.main.subpath("id_ed25519.pub"), "utf8").catch(() => null);
    // Nothing but a public key is shown, whatever the file holds.
    const line = text?.trim() ?? "";
    if (!PUBLIC_KEY.test(line)) throw new Error(i18n("There is no key yet. Start the service once; it makes one."));
    return {
      version: "1",
      title: i18n("SSH public key"),
      message: i18n("Add this line to ~/.ssh/authorized_keys of the user on each Spark."),
      result: { type: "single", value: line, copyable: true, qr: false, masked: false },
    };
  },
);
