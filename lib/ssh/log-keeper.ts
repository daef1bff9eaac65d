/** What a detached job runs to keep the log of a container, which `docker run --rm` destroys with it. */
import { LOG_KEEPER, LOG_KEEPER_WAIT_SECONDS } from "./remote-scripts.ts";

/** The argv for `DetachedJobs.start`. @param patienceSeconds how long it waits for the container to appear */
export function logKeeperArgv(container: string, patienceSeconds = LOG_KEEPER_WAIT_SECONDS): readonly string[] {
  return ["sh", "-c", LOG_KEEPER, "spark-log-keeper", container, String(patienceSeconds)];
}
