/** For the image's HEALTHCHECK: exit code 0 when the controller beside it says that it is well. */
import { processSettings } from "./_environment.ts";

const LIMIT_MS = 4_000;

async function isWell(): Promise<boolean> {
  try {
    const { port } = processSettings(process.env, []);
    const answer = await fetch(`http://127.0.0.1:${port}/health`, { signal: AbortSignal.timeout(LIMIT_MS) });
    const { status } = (await answer.json()) as { status?: unknown };
    return answer.ok && status === "ok";
  } catch {
    return false;
  }
}

process.exit((await isWell()) ? 0 : 1);
