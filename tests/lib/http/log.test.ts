import { expect, test } from "bun:test";
import { createLogger } from "../../../lib/log.ts";

function captured(level: "debug" | "warn" = "debug") {
  const lines: string[] = [];
  return { lines, log: createLogger({ level, write: (line) => lines.push(line), now: () => 0 }) };
}

test("a line is one JSON object with time, level, message and the fields of its child", () => {
  const { lines, log } = captured();

  log.child({ request_id: "7" }).info("two\nlines", { status: 200 });

  expect(lines).toEqual([
    '{"at":"1970-01-01T00:00:00.000+00:00","level":"info","message":"two\\nlines","request_id":"7","status":200}',
  ]);
});

test("secrets are kept out by the name of their key, at any depth", () => {
  const { lines, log } = captured();

  log.info("x", {
    token: "S",
    lock_token: "S",
    lockToken: "S",
    deep: [{ Authorization: "S", password: "S", api_key: "S", client_secret: "S" }],
  });
  log.info("x", { model_key: "shown" });

  expect(lines[0]).not.toContain('"S"');
  expect(lines[1]).toContain("shown");
});

test("lines below the level are dropped", () => {
  const { lines, log } = captured("warn");

  log.info("dropped");
  log.error("kept");

  expect(lines.length).toBe(1);
});

test("nothing that is logged throws", () => {
  const { lines, log } = captured();
  const circle: Record<string, unknown> = {
    big: 1n,
    run: () => 1,
    date: new Date(Number.NaN),
    bytes: new Uint8Array(3),
  };
  circle.self = circle;
  const hostile = {
    get trap() {
      throw new Error("no");
    },
  };

  log.info("circle", circle);
  log.info("hostile", hostile as Record<string, unknown>);
  log.info("after");

  expect(lines.at(-1)).toContain("after");
});
