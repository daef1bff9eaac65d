/** A reranker that does not answer: given up as soon as any other service is. */
import { expect, test } from "bun:test";
import type { Fault } from "../../../lib/fault.ts";
import { askReranker } from "../../../lib/gateway/rerank.ts";
import { requirement } from "../../support/requirements.ts";
import { silentListener } from "../../support/silent-listener.ts";

const QUESTION = { query: "x", documents: ["x"] };
const PATIENCE = { connectMs: 200, firstByteMs: 400, totalMs: 5_000 };
const ask = (port: number) =>
  askReranker(
    { name: "the reranker", origin: `http://127.0.0.1:${port}`, host: null },
    QUESTION,
    new AbortController().signal,
    PATIENCE,
  ).then(
    () => null,
    (error: unknown) => error as Fault,
  );

const describePython = requirement("a host that is gone", Bun.which("python3") !== null, "needs python3");

describePython("a reranker", () => {
  test("whose address does not answer is unreachable once no connection stands in time", async () => {
    const { child, port } = await silentListener();
    const began = performance.now();
    const error = await ask(port);
    child.kill();

    expect(error).toMatchObject({ kind: "upstream", code: "upstream_unreachable" });
    expect(performance.now() - began).toBeLessThan(PATIENCE.firstByteMs);
  });
});

test("a reranker that takes the question and says nothing is given up after the time to the first byte", async () => {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Promise<Response>(() => undefined) });
  const began = performance.now();
  const error = await ask(server.port!);
  await server.stop(true);

  expect(error).toMatchObject({ kind: "timeout", code: "upstream_timeout" });
  expect(error?.message).toContain("did not begin to answer within 0.4 s");
  expect(performance.now() - began).toBeLessThan(PATIENCE.totalMs / 2);
});
