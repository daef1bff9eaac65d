import { expect, test } from "bun:test";
import { FencedError, SshError } from "../../../lib/ssh/errors.ts";
import { connectFailure } from "../../../lib/ssh/failure.ts";

const target = { host: "spark-1", port: 22, user: "alice" };
const failed = (fields: object) => connectFailure(target, Object.assign(new Error("original"), fields), 10_000);

test("the network's ways to fail can be told apart in the text", () => {
  expect(failed({ code: "ECONNREFUSED" }).message).toStartWith("spark-1 refuses SSH connections.");
  expect(failed({ code: "EHOSTUNREACH" }).message).toStartWith("spark-1 cannot be reached: there is no route to it.");
  expect(failed({ code: "ETIMEDOUT" }).message).toStartWith("spark-1 did not answer in time.");
  expect(failed({ code: "ENOTFOUND" }).message).toStartWith("The name spark-1 could not be resolved.");
  expect(failed({ code: "DNS_ENOTFOUND" }).message).toStartWith("The name spark-1 could not be resolved.");
  expect(failed({ level: "client-timeout" }).message).toBe("spark-1 did not complete the SSH handshake within 10 s.");
  expect(failed({}).message).toBe("The connection to spark-1 could not be made: original.");
});

test("the advice for a .local name is the IP address", () => {
  const error = connectFailure(
    { ...target, host: "spark-1.local" },
    Object.assign(new Error(), { code: "ENOTFOUND" }),
    1,
  );
  expect(error.message).toContain("use its IP address");
});

test("a refused key says for whom, and what to do", () => {
  const error = failed({ level: "client-authentication" });
  expect(error).toMatchObject({ reason: "key_refused", needsHuman: true, neverBegan: true, outcomeUnknown: false });
  expect(error.message).toBe(
    "spark-1 does not accept this controller's key for user alice. Add the public key to ~/.ssh/authorized_keys there.",
  );
});

test("an SshError is a fault with a stable code, a cause and the host", () => {
  const cause = new Error("socket");
  const error = new SshError("timeout", { ...target, port: 2222 }, "too slow", { cause });
  expect(error).toMatchObject({ kind: "timeout", code: "ssh_timeout", cause, members: { host: "spark-1" } });
  expect(error).toMatchObject({ timedOut: true, outcomeUnknown: true, neverBegan: false, aborted: false });
});

test("a fenced start says who was first", () => {
  const newer = new FencedError(target, { by: "generation", highest: 12 });
  const other = new FencedError(target, { by: "instance", instance: "0193b0a0-0000-7000-8000-000000000001" });
  expect(newer).toMatchObject({ kind: "conflict", code: "fenced_generation" });
  expect(newer.message).toContain("generation 12");
  expect(other.message).toContain('confirm "Take over"');
});
