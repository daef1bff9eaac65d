/** Running a command of this machine to its end. */

export interface Output {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** Runs to the end, whatever the exit code. @param argv the first word is looked up in PATH */
export async function run(
  argv: readonly string[],
  options: { env?: Record<string, string>; cwd?: string } = {},
): Promise<Output> {
  const child = Bun.spawn([...argv], { stdin: "ignore", stdout: "pipe", stderr: "pipe", ...options });
  const [stdout, stderr, exitCode] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { stdout, stderr, exitCode };
}

/** Like `run`, but a code other than 0 throws with the words of the command. */
export async function must(
  argv: readonly string[],
  options: { env?: Record<string, string>; cwd?: string } = {},
): Promise<string> {
  const { stdout, stderr, exitCode } = await run(argv, options);
  if (exitCode !== 0)
    throw new Error(`${argv.slice(0, 6).join(" ")} … exited with ${exitCode}: ${stderr.trim() || stdout.trim()}`);
  return stdout;
}

/** Looks every 50 ms until the condition holds. @throws after `timeoutMs`, naming what was awaited */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs: number,
): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await Bun.sleep(50);
  }
}
