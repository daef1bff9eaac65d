/** Asks a vLLM from outside the controller, to know by oneself when it first answers. */

const BETWEEN_QUESTIONS_MS = 5;

/** @returns `performance.now()` of the first 200 of `/v1/models`. @throws when the signal aborts */
export async function firstAnswer(vllmUrl: string, signal: AbortSignal): Promise<number> {
  while (true) {
    signal.throwIfAborted();
    const status = await fetch(`${vllmUrl}/v1/models`, { signal, keepalive: false }).then(
      async (answer) => {
        await answer.arrayBuffer();
        return answer.status;
      },
      () => null,
    );
    if (status === 200) return performance.now();
    await Bun.sleep(BETWEEN_QUESTIONS_MS);
  }
}
