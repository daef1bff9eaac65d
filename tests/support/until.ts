const BETWEEN_LOOKS_MS = 20;

/** Waits for a condition. Throws with what it waited for when the deadline passes. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  deadlineMs = 40_000,
): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${deadlineMs} ms in vain for: ${what}`);
    await Bun.sleep(BETWEEN_LOOKS_MS);
  }
}
