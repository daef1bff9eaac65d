/** How slowly a body may come. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { PacedReader } from "../../lib/upload-pace.ts";

const PACE = { windowMs: 200, leastBytes: 100 };

/** A body in pieces of so many bytes, at such intervals. */
function body(bytes: number, everyMs: number, count: number): ReadableStream<Uint8Array> {
  let left = count;
  return new ReadableStream({
    async pull(controller) {
      await Bun.sleep(everyMs);
      if (left-- === 0) controller.close();
      else controller.enqueue(new Uint8Array(bytes));
    },
  });
}

async function readAll(stream: ReadableStream<Uint8Array>, pauseMs = 0, pace = PACE): Promise<number> {
  const reader = new PacedReader(stream.getReader(), pace);
  let size = 0;
  for (let piece = await reader.read(); piece; piece = await reader.read()) {
    size += piece.length;
    if (pauseMs > 0) await Bun.sleep(pauseMs);
  }
  return size;
}

test("one that stops is refused", () => {
  const silent = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => undefined) });

  return expect(readAll(silent)).rejects.toMatchObject({ kind: "slow", code: "upload_too_slow" });
});

test("one that drips is refused, though each drop comes soon", () => {
  return expect(readAll(body(1, 5, 1_000))).rejects.toMatchObject({ code: "upload_too_slow" });
});

test("one that comes steadily is waited for through many windows", async () => {
  expect(await readAll(body(100, 20, 75), 0, { ...PACE, windowMs: 500 })).toBe(7_500);
});

test("what nobody waits for is not the client's slowness", async () => {
  expect(await readAll(body(1, 0, 5), 150)).toBe(5);
});

test("a body that is read no further leaves no timer behind", async () => {
  const source = `
    import { PacedReader, UPLOAD_PACE } from ${JSON.stringify(join(import.meta.dir, "../../lib/upload-pace.ts"))};
    const stream = new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(10)) });
    const piece = await new PacedReader(stream.getReader(), UPLOAD_PACE).read();
    console.log(piece.length);
  `;
  const child = Bun.spawn([process.execPath, "-e", source], { stdin: "ignore", stdout: "pipe", timeout: 20_000 });

  expect((await new Response(child.stdout).text()).trim()).toBe("10");
  expect(await child.exited).toBe(0);
});
