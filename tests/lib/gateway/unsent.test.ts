/** What is read ahead of an upstream takes its room for as long as it waits, and no longer. */
import { expect, test } from "bun:test";
import { Room } from "../../../lib/gateway/room.ts";
import { Unsent } from "../../../lib/gateway/unsent.ts";

const KIB = 1024;

/** @param mostBytes of the room */
function bench(mostBytes: number) {
  const room = new Room(mostBytes);
  const socket = { takes: 0, got: 0 };
  const take = (bytes: Uint8Array) => {
    const taken = Math.min(socket.takes, bytes.length);
    socket.takes -= taken;
    socket.got += taken;
    return taken;
  };
  const unsent = new Unsent(take, room.share(), () => undefined);
  const drains = (bytes: number) => {
    socket.takes = bytes;
    unsent.flush();
  };
  return { room, socket, unsent, drains };
}

test("what the upstream has taken is given back as it goes, not only once nothing waits", () => {
  const { room, unsent, drains } = bench(1024 * KIB);
  for (let count = 0; count < 10; count++) unsent.write(new Uint8Array(10 * KIB));
  // The first one is not read ahead: it is being taken.
  expect(room.bytes).toBe(90 * KIB);

  drains(55 * KIB);
  expect(room.bytes).toBe(45 * KIB);
  drains(45 * KIB);
  expect([room.bytes, unsent.isEmpty]).toEqual([0, true]);
});

test("what did not fit was never counted, and is not given back", () => {
  const { room, unsent, drains } = bench(25 * KIB);
  for (let count = 0; count < 10; count++) unsent.write(new Uint8Array(10 * KIB));
  expect(room.bytes).toBe(20 * KIB);

  drains(50 * KIB);
  expect(room.bytes).toBe(20 * KIB);
  drains(45 * KIB);
  expect(room.bytes).toBe(5 * KIB);
  unsent.drop();
  expect(room.bytes).toBe(0);
});
