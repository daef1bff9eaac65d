import { describe, expect, test } from "bun:test";
import { readHosts } from "../../../lib/config/hosts-file.ts";

const read = (text: string) => readHosts({ name: "hosts.json", text });

describe("hosts.json", () => {
  test("no file: no names, no problem", () => expect(readHosts(null)).toEqual({ hosts: [], problems: [] }));

  test("names as the Host header is compared, each once", () => {
    const { hosts, problems } = read('["Spark.Example.COM.", " spark.example.com", "10.77.0.5", "fd00::5"]');

    expect(hosts).toEqual(["spark.example.com", "10.77.0.5", "fd00::5"]);
    expect(problems).toEqual([]);
  });

  test("what is no name is left out, and what is said of it does not repeat it", () => {
    const { hosts, problems } = read('["*.example.com", "a/b", "a:80", 7, null, "", "fine.example"]');

    expect(hosts).toEqual(["fine.example"]);
    expect(problems.map(({ path }) => path)).toEqual(["0", "1", "2", "3", "4", "5"]);
    expect(JSON.stringify(problems)).not.toContain("a/b");
  });

  for (const text of ["", "{", '{"hosts":[]}', '"a.example"', "null", "[1"])
    test(`not a list: ${JSON.stringify(text)}`, () => {
      expect(read(text)).toMatchObject({ hosts: [], problems: [{ source: "hosts.json", line: null }] });
    });

  test("no more names than a system has", () => {
    const { hosts, problems } = read(JSON.stringify(Array.from({ length: 1_000 }, (_, index) => `n${index}.example`)));

    expect([hosts.length, problems.length]).toEqual([256, 1]);
  });
});
