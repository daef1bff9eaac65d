import { expect, test } from "bun:test";
import { createRefusedHosts } from "../../../lib/http/refused-hosts.ts";

test("the newest twenty names are kept, each once, the newest first", () => {
  const hosts = createRefusedHosts(() => 0);

  for (let name = 1; name <= 25; name++) hosts.note(`n${name}.example`);
  hosts.note("n10.example");

  expect(hosts.list().length).toBe(20);
  expect(hosts.list()[0]).toEqual({ name: "n10.example", last_at: "1970-01-01T00:00:00.000+00:00", count: 2 });
  expect(hosts.list().at(-1)?.name).toBe("n6.example");
});
