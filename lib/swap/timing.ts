/** How often and how long the effects of a swap look and wait. */
export interface Timing {
  /** Between two reads of the logs. */
  readonly followMs: number;
  /** Between two HTTP questions while loading; a ready model is noticed within this. */
  readonly probeMs: number;
  /** Between two looks at the processes while loading. */
  readonly lookMs: number;
  readonly sshDeadlineMs: number;
  readonly httpDeadlineMs: number;
  /** Grace of `docker stop`: the container's first process ignores TERM, so this is waited in full before KILL. */
  readonly stopGraceSeconds: number;
  /** Until processes, port and memory must be gone. */
  readonly stopDeadlineMs: number;
  /** From the first answer to a verified chat. */
  readonly verifyDeadlineMs: number;
  /** How long a swap asks what to do with requests that still run, before it fails. */
  readonly drainAskMs: number;
  /** How long what has got ready is watched for its end: a death in this time counts as one of its swap. 0: it is not. */
  readonly settleMs: number;
  /** Between two looks at it meanwhile; a death is noticed after two. */
  readonly settleLookMs: number;
  /** Silence of a Spark in mid-load after which the load counts as failed. */
  readonly contactDeadlineMs: number;
}

export const TIMING: Timing = {
  followMs: 400,
  probeMs: 150,
  lookMs: 4_000,
  sshDeadlineMs: 20_000,
  httpDeadlineMs: 2_000,
  stopGraceSeconds: 3,
  stopDeadlineMs: 120_000,
  verifyDeadlineMs: 120_000,
  drainAskMs: 600_000,
  // What ends vLLM in its first requests does so at once or not at all; whoever watched it answer for a minute believes in it.
  settleMs: 60_000,
  settleLookMs: 2_000,
  contactDeadlineMs: 180_000,
};
