/** A question whose connection breaks is asked once more: a telephone that changes its network cuts everything at once. */

const AGAIN_MS = 500;

/** As `fetch`. What may have changed something is never sent twice. @throws TypeError */
export async function patientFetch(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, init);
  } catch (error) {
    if (init.method !== "GET" || init.signal?.aborted) throw error;
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    return fetch(path, init);
  }
}
