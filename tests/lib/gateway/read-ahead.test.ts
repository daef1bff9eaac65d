/** A body that is read on while its request waits for a place is the same body afterwards, however the wait ended. */
import { expect, test } from "bun:test";
import { ReadAhead } from "../../../lib/gateway/read-ahead.ts";
import { Room } from "../../../lib/gateway/room.ts";
import { PacedReader, UPLOAD_PACE } from "../../../lib/upload-pace.ts";

const PIECES = ["one ", "two ", "three ", "four"];

function aBody() {
  const rest = [...PIECES];
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await Bun.sleep(1);
      const piece = rest.shift();
      if (piece === undefined) controller.close();
      else controller.enqueue(new TextEncoder().encode(piece));
    },
  });
  return new ReadAhead(new PacedReader(body.getReader(), UPLOAD_PACE));
}

async function allOf(reader: ReadAhead): Promise<string> {
  let text = "";
  for (let piece = await reader.read(); piece !== null; piece = await reader.read())
    text += new TextDecoder().decode(piece);
  return text;
}

test.each([0, 2, 30])("after a wait of %d ms that ended with a place, or with none", async (waitMs) => {
  const room = new Room();
  for (const end of [() => "a place", () => Promise.reject(new Error("gone"))]) {
    const reader = aBody();
    const share = room.share();
    await reader.during(Bun.sleep(waitMs).then(end), share).catch(() => undefined);

    // It may be held for another model, with all of it.
    expect(await allOf(reader)).toBe(PIECES.join(""));
    expect(share.bytes).toBe(0);
  }
  expect(room.bytes).toBe(0);
});

test("what else its request keeps is not given back with what was read ahead", async () => {
  const room = new Room();
  const reader = aBody();
  const share = room.share();
  await reader.during(Bun.sleep(30), share);
  expect(share.bytes).toBe(PIECES.join("").length);
  expect(reader.keptBytes).toBe(share.bytes);

  // All of it is kept for another model from here on.
  share.shrink(reader.keptBytes);
  for (let piece = await reader.read(); piece !== null; piece = await reader.read()) share.take(piece.length);
  expect([reader.keptBytes, share.bytes]).toEqual([0, PIECES.join("").length]);
});
