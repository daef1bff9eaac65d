import { describe, expect, test } from "bun:test";
import { networkInterfaces } from "node:os";
import { addressRefusal, urlRefusal } from "../../../lib/webhook/url-rule.ts";

const OWN_PORT = 9999;
const refusal = (url: string) => urlRefusal(url, OWN_PORT);

describe("an endpoint's URL", () => {
  test.each([
    "http://192.168.1.20:8080/hook",
    "https://10.0.0.5/hook?source=spark",
    "http://nas.local/hook",
    "http://localhost:8123/api/webhook/x",
    "http://127.0.0.1:8123/x",
    "http://[fd12:3456::7]:5678/webhook",
    "http://169.254.12.7/direct-link",
    "https://hooks.example.com/a/b",
    "http://192.168.1.20:9999/another-controller",
  ])("%s may be used", (url) => {
    expect(refusal(url)).toBeNull();
  });

  test.each([
    "ftp://192.168.1.20/hook",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "//192.168.1.20/hook",
    "192.168.1.20/hook",
    "not a url",
    "",
  ])("%s is no http URL", (url) => {
    expect(refusal(url)).not.toBeNull();
  });

  test.each(["http://alice:secret@192.168.1.20/", "http://alice@192.168.1.20/", "https://:secret@192.168.1.20/"])(
    "%s carries credentials",
    (url) => {
      expect(refusal(url)).toContain("user or password");
      expect(refusal(url)).not.toContain("secret@");
    },
  );

  test.each([
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://0251.0376.0251.0376/",
    "http://169.254.43518/",
    "http://169.254.42.42/",
    "http://169.254.0.23/",
    "http://[fd00:42::42]/",
    "http://[fe80::a9fe:a9fe]/",
    "http://[::169.254.169.254]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[fd00:ec2::254]/",
    "http://[FD00:0EC2:0:0:0:0:0:254]/",
    "http://100.100.100.200/",
    "http://168.63.129.16/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://METADATA.google.internal./",
  ])("%s is a metadata address", (url) => {
    expect(refusal(url)).toContain("metadata");
  });

  test.each([
    "http://127.0.0.1:9999/api/swap",
    "http://127.1.2.3:9999/",
    "http://localhost:9999/",
    "http://spark.localhost:9999/",
    "http://0.0.0.0:9999/",
    "http://[::1]:9999/",
    "http://[::]:9999/",
    "http://[::ffff:127.0.0.1]:9999/",
  ])("%s is the controller itself", (url) => {
    expect(refusal(url)).toContain("Spark Control itself");
  });

  test("so is any address of this machine with the controller's port", () => {
    const own = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
    expect(own.length).toBeGreaterThan(0);

    for (const { address } of own) {
      expect(addressRefusal(address, OWN_PORT, OWN_PORT)).toContain("itself");
      expect(addressRefusal(address, OWN_PORT + 1, OWN_PORT)).toBeNull();
    }
  });

  test("the port that a scheme stands for counts", () => {
    expect(urlRefusal("http://localhost/", 80)).toContain("itself");
    expect(urlRefusal("https://localhost/", 443)).toContain("itself");
    expect(urlRefusal("https://localhost/", 80)).toBeNull();
  });
});
