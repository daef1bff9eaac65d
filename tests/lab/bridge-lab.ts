/** A bot on the worker: a login of its own, a checkout whose remote is on the head, and Compose's stand-in. */
import { readFile, writeFile } from "node:fs/promises";
import type { Host } from "./host.ts";
import type { Lab } from "./lab.ts";

/** On the worker, below the Spark user's home: its disk. */
const HOME = "bridge";

async function must(host: Host, command: string): Promise<string> {
  const { stdout, stderr, exitCode } = await host.exec(command);
  if (exitCode !== 0) throw new Error(`${host.name}: ${command}: ${stderr || stdout}`);
  return stdout;
}

export interface Bridge {
  /** A new commit on the remote. @param build what the build of the image runs; nothing when left out */
  publish(says: string, build?: string): Promise<string>;
  /** Lets the controller log in as the bot. */
  authorize(publicKeyLine: string): Promise<void>;
  /** The remote takes the deploy key, or no longer does. */
  takeKey(is: boolean): Promise<void>;
  /** Commit of the bot's checkout. */
  head(): Promise<string>;
}

const composeYaml = (says: string, build: string) => `services:
  bridge:
    image: vllm-node
    container_name: matrix-bridge
    command: "trap 'exit 0' TERM; echo ${says}; while :; do sleep 0.2; done"
x-lab-build: "${build}"
`;

export async function installBridge(lab: Lab): Promise<Bridge> {
  const { head, worker } = lab;
  const remote = `ssh://${head.user}@${head.address}${head.home}/bridge.git`;
  // A login with the uid of the Spark user, after it in the file: the name is the Spark user's, the home its own.
  await must(
    worker,
    `grep -q '^bridge:' /etc/passwd || echo 'bridge:*:0:0::${worker.home}/${HOME}:/bin/bash' >>/etc/passwd`,
  );
  await must(worker, `mkdir -p ~/${HOME}/.ssh`);
  await must(head, "git init -q --bare -b main ~/bridge.git && git init -q -b main ~/work");
  await must(
    head,
    "cd ~/work && git remote add origin ~/bridge.git && git config user.email bob@example.org && git config user.name Bob",
  );
  const key = (await worker.publicKey()).trim();
  await head.authorize(key);
  const publish = async (says: string, build = "true") => {
    await writeFile(head.homeFile("work/compose.yaml"), composeYaml(says, build));
    await must(head, `cd ~/work && git add -A && git commit -qm '${says}' && git push -q origin HEAD:main`);
    return (await must(head, "cd ~/work && git rev-parse HEAD")).trim();
  };
  await publish("first");
  const ssh = "ssh -o StrictHostKeyChecking=accept-new -o BatchMode=yes";
  await must(
    worker,
    `rm -rf ~/${HOME}/matrix-bridge && git -c core.sshCommand='${ssh}' clone -q ${remote} ~/${HOME}/matrix-bridge`,
  );
  await must(
    worker,
    `cd ~/${HOME}/matrix-bridge && git config core.sshCommand '${ssh}' && docker compose up -d --build`,
  );
  return {
    publish,
    authorize: async (line) => {
      await must(worker, `echo '${line.trim()}' >>~/${HOME}/.ssh/authorized_keys`);
    },
    async takeKey(is) {
      const file = head.homeFile(".ssh/authorized_keys");
      const others = (await readFile(file, "utf8")).split("\n").filter((line) => line.trim() !== key);
      await writeFile(file, [...others, ...(is ? [key, ""] : [])].join("\n"));
    },
    head: async () => (await must(worker, `cd ~/${HOME}/matrix-bridge && git rev-parse HEAD`)).trim(),
  };
}
