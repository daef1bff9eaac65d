import { describe, expect, test } from "bun:test";
import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import { Fault, type FaultKind } from "../../../lib/fault.ts";
import { renderErrors } from "../../../lib/http/error-renderer.ts";
import { createLogger } from "../../../lib/log.ts";

async function answerOf(path: string, handler: () => unknown, response?: ReturnType<typeof Type.Object>) {
  const logged: string[] = [];
  const app = new Elysia();
  renderErrors(app, createLogger({ level: "info", write: (line) => logged.push(line) }));
  app.get(path, handler as () => string, response ? { response } : {});
  const answer = await app.handle(new Request(`http://localhost${path}`));
  return { status: answer.status, headers: answer.headers, text: await answer.text(), logged: logged.join("\n") };
}
const thrown = (error: unknown) => () => {
  throw error;
};

describe("an error", () => {
  test.each<[FaultKind, number]>([
    ["malformed", 400],
    ["forbidden", 403],
    ["not_found", 404],
    ["conflict", 409],
    ["too_large", 413],
    ["invalid", 422],
    ["locked", 423],
    ["internal", 500],
    ["upstream", 502],
    ["unavailable", 503],
    ["timeout", 504],
  ])("a Fault of kind %s is %d, with its words and members", async (kind, status) => {
    const answer = await answerOf(
      "/api/x",
      thrown(new Fault(kind, "some_code", "Some words.", { job_id: "7", status: 1 })),
    );

    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text)).toMatchObject({ status, code: "some_code", detail: "Some words.", job_id: "7" });
  });

  test("a Fault that says when to come back sets Retry-After", async () => {
    const fault = new Fault("unavailable", "busy", "Later.", { retry_after_seconds: 60 });

    expect((await answerOf("/api/x", thrown(fault))).headers.get("retry-after")).toBe("60");
  });

  test("an unknown error keeps its message to the log", async () => {
    const answer = await answerOf("/api/x", thrown(new Error("SECRET")));

    expect(answer.status).toBe(500);
    expect(answer.text).not.toContain("SECRET");
    expect(answer.logged).toContain("SECRET");
  });

  test("an answer of the wrong shape is the server's fault, and is neither shown nor logged", async () => {
    const answer = await answerOf("/api/x", () => ({ value: "SECRET" }), Type.Object({ value: Type.Integer() }));

    expect(answer.status).toBe(500);
    expect(answer.text + answer.logged).not.toContain("SECRET");
    expect(answer.logged).toContain('"path":"/value"');
  });

  test.each<[FaultKind, string]>([
    ["upstream", "upstream"],
    ["timeout", "upstream"],
    ["unavailable", "controller"],
  ])("below /v1/ a Fault of kind %s says that the %s failed", async (kind, who) => {
    const answer = await answerOf("/v1/x", thrown(new Fault(kind, "some_code", "Some words.")));

    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(JSON.parse(answer.text).error).toMatchObject({
      message: "Some words.",
      code: "some_code",
      param: null,
      failed_by: who,
    });
  });
});
