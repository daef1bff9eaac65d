import { describe, expect, test } from "bun:test";
import { createEventBus } from "../../../lib/events/bus.ts";
import type { ControllerStopping, HostKeyChanged, SparkEvent } from "../../../lib/events/event.ts";

const at = "2026-01-01T00:00:00.000+00:00";
const hostKeyChanged: HostKeyChanged = {
  type: "host_key.changed",
  at,
  node: "spark-1",
  fingerprint: "SHA256:one",
  change: "pinned",
};
const stopping: ControllerStopping = { type: "controller.stopping", at, reason: "SIGTERM" };

describe("event bus", () => {
  test("calls each subscriber in order, before publish returns", () => {
    const bus = createEventBus();
    const calls: string[] = [];
    bus.subscribe(() => calls.push("first"));
    bus.subscribe(() => calls.push("second"));

    bus.publish(hostKeyChanged);

    expect(calls).toEqual(["first", "second"]);
  });

  test("a filter lets through its types only", () => {
    const bus = createEventBus();
    const seen: SparkEvent[] = [];
    bus.subscribe((event) => seen.push(event), ["host_key.changed"]);

    bus.publish(stopping);
    bus.publish(hostKeyChanged);

    expect(seen).toEqual([hostKeyChanged]);
  });

  test("a throwing subscriber is reported and does not hurt the others", () => {
    const failures: unknown[] = [];
    const bus = createEventBus((error, event) => failures.push([error, event.type]));
    const seen: SparkEvent[] = [];
    const failure = new Error("no");
    bus.subscribe(() => {
      throw failure;
    });
    bus.subscribe((event) => seen.push(event));

    bus.publish(hostKeyChanged);

    expect(seen).toEqual([hostKeyChanged]);
    expect(failures).toEqual([[failure, "host_key.changed"]]);
  });

  test("whoever has left hears nothing more, even when leaving while being told", () => {
    const bus = createEventBus();
    const seen: string[] = [];
    const leave = bus.subscribe(() => {
      seen.push("once");
      leave();
    });

    bus.publish(hostKeyChanged);
    bus.publish(hostKeyChanged);

    expect(seen).toEqual(["once"]);
  });
});
