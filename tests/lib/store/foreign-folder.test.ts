/** A data folder of another user, as the earlier version's container leaves it: the refusal says whose it is and what helps. */
import { expect, test } from "bun:test";
import { chmodSync, chownSync, existsSync, mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { openStore } from "../../../lib/store/store.ts";
import { run } from "../../lab/command.ts";
import { requirement } from "../../support/requirements.ts";
import { temporaryFolder } from "./_folder.ts";

const CHILD = fileURLToPath(new URL("./_hold.ts", import.meta.url));
const USER = 65_532;

/** What the controller's user is told; "" when it can use the folder. */
async function refusalTo(user: number, dataDir: string): Promise<string> {
  const rights = ["setpriv", `--reuid=${user}`, `--regid=${user}`, "--clear-groups"];
  const { exitCode, stderr } = await run([...rights, process.execPath, CHILD, dataDir]);
  return exitCode === 0 ? "" : stderr;
}

requirement(
  "folders of other users",
  process.getuid?.() === 0,
  "needs root",
)("data of root, and a controller that is not root", () => {
  const advice = (folder: string) =>
    `belongs to user 0, and Spark Control runs as user ${USER}. Give it the whole folder, as root: chown -R ${USER}:${USER} ${folder} `;

  test("a folder that is root's, with databases or without: the owner, the user and the line that mends it", async () => {
    for (const isUsed of [false, true]) {
      using outer = temporaryFolder();
      chmodSync(outer.path, 0o755);
      const folder = `${outer.path}/data`;
      mkdirSync(folder, { mode: 0o755 });
      if (isUsed) openStore(folder).close();
      const said = await refusalTo(USER, folder);

      expect(said).toContain(`${folder}/lock.db cannot be written: `);
      expect(said).toContain(`${folder} ${advice(folder)}`);
      expect(existsSync(`${folder}/lock.db`)).toBe(isUsed);
    }
  });

  test("a folder of its own that cannot be written for another reason: nothing is said of owners", async () => {
    using folder = temporaryFolder();
    chownSync(folder.path, USER, USER);
    chmodSync(folder.path, 0o500);
    const said = await refusalTo(USER, folder.path);

    expect(said).toContain("lock.db cannot be written");
    expect(said).not.toContain("belongs to");
  });

  test("after that line it starts", async () => {
    using folder = temporaryFolder();
    openStore(folder.path).close();
    await run(["chown", "-R", `${USER}:${USER}`, folder.path]);

    expect(await refusalTo(USER, folder.path)).toBe("");
  });
});
