/** The line of held requests against a cluster of one slot that swaps in no time. */
import { afterEach, beforeEach, describe, expect, jest, test } from "bun:test";
import { Fault } from "../../../lib/fault.ts";
import { HoldLine, type HoldTerms, type Target, type Wish } from "../../../lib/gateway/hold-line.ts";
import { routeModel } from "../../../lib/gateway/route-model.ts";

const TERMS: HoldTerms = { waitMs: 1_000_000, dwellMs: 100_000, most: 10 };
const KEYS = new Set(["a", "b", "c"]);

class Cluster {
  loaded: string | null = "a";
  servingSince: number | null = 0;
  loading: string | null = null;
  isUnknown = false;
  terms: HoldTerms | null = TERMS;
  reservedBy: string | null = null;
  readonly begun: { key: string; at: number; by: string; token: string | null }[] = [];
  now = 0;
  readonly line = new HoldLine(
    {
      terms: () => this.terms,
      target: (): Target => ({
        slot: "main",
        servingSince: this.servingSince,
        isTaken: this.isUnknown || this.loading !== null,
      }),
      permit: (_, token) => {
        if (this.reservedBy !== null && token !== "its-token")
          throw new Fault("locked", "reserved", `${this.reservedBy} has reserved the GPUs.`, {
            lock: { holder: this.reservedBy, seconds_remaining: 300 },
          });
      },
      begin: (key, { token, by }) => {
        this.begun.push({ key, at: this.now, by, token });
        this.loading = key;
      },
    },
    () => this.now,
  );

  #places() {
    const served = this.loaded === null ? [] : [this.loaded];
    const swap = this.loading === null ? null : { names: [this.loading], model: this.loading, etaSeconds: 9 };
    const open = this.loaded !== null && this.loading === null;
    return [{ slot: "main", origin: "http://10.77.0.1:8888", open, served, aliases: [], swap }];
  }

  wish(name: string | null, more: Partial<Wish> = {}): Wish {
    const keyOf = (of: string) => (KEYS.has(of) ? of : null);
    const route = () => void routeModel(name, this.#places(), keyOf);
    const from = { address: null, userAgent: null };
    return { caller: "x", from, mayBegin: true, token: null, by: "test", route, ...more };
  }

  /** What becomes of a request: `there`, or the code of its refusal; `waits` until then. */
  ask(name: string | null, more: Partial<Wish> = {}, signal = new AbortController().signal) {
    const asked = { became: "waits", fault: null as Fault | null };
    const wish = this.wish(name, more);
    let unrouted: unknown;
    try {
      wish.route();
    } catch (error) {
      unrouted = error;
    }
    this.line.wait(wish, unrouted as never, signal, this.line.deadline()).then(
      () => Object.assign(asked, { became: "there" }),
      (fault: Fault) => Object.assign(asked, { became: fault.code ?? "gone", fault }),
    );
    return asked;
  }

  /** The swap that runs has ended. */
  ready() {
    this.loaded = this.loading;
    this.loading = null;
    this.servingSince = this.now;
    this.line.look();
  }

  pass(milliseconds: number) {
    this.now += milliseconds;
    jest.advanceTimersByTime(milliseconds);
  }
}

let cluster: Cluster;
beforeEach(() => {
  jest.useFakeTimers();
  cluster = new Cluster();
});
afterEach(() => {
  cluster.line.close();
  jest.useRealTimers();
});
const settle = async () => {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
};

describe("a request for a model that is not loaded", () => {
  test("begins its swap once the loaded model has served for the dwell time, and is there when that is ready", async () => {
    const asked = cluster.ask("b", { by: "gateway: app" });
    await settle();
    expect([asked.became, cluster.begun]).toEqual(["waits", []]);
    cluster.pass(99_000);
    expect(cluster.begun).toEqual([]);
    cluster.pass(1_000);
    expect(cluster.begun).toEqual([{ key: "b", at: 100_000, by: "gateway: app", token: null }]);
    cluster.ready();
    await settle();

    expect([asked.became, cluster.line.length]).toEqual(["there", 0]);
  });

  test("begins it at once where nothing is loaded", () => {
    Object.assign(cluster, { loaded: null, servingSince: null });
    cluster.ask("b");

    expect(cluster.begun).toMatchObject([{ key: "b", at: 0 }]);
  });

  test("joins a swap that runs, whoever began it", async () => {
    cluster.loading = "b";
    const asked = [cluster.ask("b"), cluster.ask("b", { mayBegin: false }), cluster.ask(null)];
    await settle();
    expect(asked.map(({ became }) => became)).toEqual(["waits", "waits", "waits"]);
    cluster.ready();
    await settle();

    expect(asked.map(({ became }) => became)).toEqual(["there", "there", "there"]);
    expect(cluster.begun).toEqual([]);
  });

  test("waits for a swap to another model, and then for its dwell time", async () => {
    cluster.loading = "c";
    const asked = cluster.ask("b");
    cluster.pass(500_000);
    expect(cluster.begun).toEqual([]);
    cluster.ready();
    cluster.pass(100_000);
    expect(cluster.begun).toMatchObject([{ key: "b", at: 600_000 }]);
    cluster.ready();
    await settle();

    expect(asked.became).toBe("there");
  });

  test("begins nothing while it is not known what serves", () => {
    cluster.isUnknown = true;
    cluster.pass(200_000);
    cluster.ask("b");

    expect(cluster.begun).toEqual([]);
  });

  test("that nobody waits for any more begins nothing", async () => {
    const leaves = new AbortController();
    const asked = cluster.ask("b", {}, leaves.signal);
    leaves.abort(new Error("gone"));
    await settle();
    expect([asked.became, cluster.line.length]).toEqual(["gone", 0]);
    cluster.pass(200_000);

    expect(cluster.begun).toEqual([]);
  });

  test("is loaded once for many, and for whoever has waited longest first", async () => {
    const asked = [cluster.ask("c"), cluster.ask("b"), cluster.ask("c"), cluster.ask("b")];
    cluster.pass(100_000);
    cluster.ready();
    cluster.pass(100_000);
    cluster.ready();
    await settle();

    expect(cluster.begun).toMatchObject([
      { key: "c", at: 100_000 },
      { key: "b", at: 200_000 },
    ]);
    expect(asked.map(({ became }) => became)).toEqual(["there", "there", "there", "there"]);
  });
});

describe("a request is refused", () => {
  const refused = async (asked: { became: string }) => {
    await settle();
    return asked.became;
  };

  test("when the line is off", async () => {
    cluster.terms = null;

    expect(await refused(cluster.ask("b"))).toBe("model_not_loaded");
  });

  test("when the catalog has no such model", async () => {
    expect(await refused(cluster.ask("nobody-knows-it"))).toBe("model_not_loaded");
  });

  test("when it comes from a page of another address, which begins nothing", async () => {
    cluster.pass(200_000);

    expect(await refused(cluster.ask("b", { mayBegin: false }))).toBe("model_not_loaded");
    expect(cluster.begun).toEqual([]);
  });

  test("at once when the GPUs are reserved, with who has them and for how long, not to be asked again", async () => {
    cluster.reservedBy = "nightly";
    const asked = cluster.ask("b");

    expect(await refused(asked)).toBe("reserved");
    expect(asked.fault).toMatchObject({
      kind: "locked",
      members: { should_retry: false, retry_after_seconds: 300, lock: { holder: "nightly" } },
    });
    expect(asked.fault?.message).toContain("nightly has reserved the GPUs.");
  });

  test("when they are reserved while it waits, but not whoever brings the token", async () => {
    const asked = [cluster.ask("b"), cluster.ask("b", { token: "its-token" })];
    cluster.reservedBy = "nightly";
    cluster.line.look();
    await settle();
    expect(asked.map(({ became }) => became)).toEqual(["reserved", "waits"]);
    cluster.pass(100_000);

    expect(cluster.begun).toMatchObject([{ key: "b", token: "its-token" }]);
  });

  test("when it has waited for too long", async () => {
    cluster.terms = { ...TERMS, waitMs: 50_000 };
    const asked = cluster.ask("b");
    cluster.pass(50_000);

    expect(await refused(asked)).toBe("hold_timeout");
    expect(asked.fault).toMatchObject({ kind: "unavailable", members: { retry_after_seconds: 60 } });
  });

  test("when the swap fails, with the reason; and that load is not begun again for a while", async () => {
    const [first, other] = [cluster.ask("b"), cluster.ask("c")];
    cluster.pass(100_000);
    cluster.loading = null;
    cluster.line.failed("b", "Out of memory.", "job-1");
    expect(await refused(first)).toBe("model_load_failed");
    expect(first.fault?.message).toContain("Out of memory.");
    expect(first.fault?.members).toMatchObject({ should_retry: false, job_id: "job-1", retry_after_seconds: 100 });
    expect(other.became).toBe("waits");
    expect(await refused(cluster.ask("b"))).toBe("model_load_failed");

    cluster.pass(101_000);
    expect(await refused(cluster.ask("b"))).toBe("waits");
  });

  test("when too many wait: the newest of whoever has most waiting gives way to one who has few", async () => {
    cluster.terms = { ...TERMS, most: 3 };
    const greedy = [cluster.ask("b"), cluster.ask("b"), cluster.ask("b"), cluster.ask("b")];
    await settle();
    expect(greedy.map(({ became }) => became)).toEqual(["waits", "waits", "waits", "queue_full"]);
    const modest = cluster.ask("b", { caller: "y" });
    await settle();

    expect(modest.became).toBe("waits");
    expect(greedy.map(({ became }) => became)).toEqual(["waits", "waits", "queue_full", "queue_full"]);
  });

  test("when the controller shuts down", async () => {
    const asked = cluster.ask("b");
    cluster.line.close();

    expect(await refused(asked)).toBe("shutting_down");
  });
});

test("the dwell time begins when the swap has ended, not when its last check began", () => {
  cluster.ask("b");
  cluster.pass(90_000);
  cluster.line.loaded("a", "main");
  cluster.pass(99_000);
  expect(cluster.begun).toEqual([]);
  cluster.pass(1_000);

  expect(cluster.begun).toMatchObject([{ key: "b", at: 190_000 }]);
});

test("two models that are wanted by turns take turns, no faster than the dwell time", async () => {
  const served: string[] = [];
  const ask = (name: string) => {
    const asked = cluster.ask(name);
    void settle().then(() => undefined);
    return asked;
  };
  for (let turn = 0; turn < 10; turn++) {
    const name = turn % 2 === 0 ? "b" : "a";
    const asked = ask(name);
    for (let step = 0; step < 200 && asked.became === "waits"; step++) {
      cluster.pass(1_000);
      if (cluster.loading !== null) cluster.ready();
      await settle();
    }
    served.push(asked.became);
  }
  const gaps = cluster.begun.map(({ at }, index) => at - (cluster.begun[index - 1]?.at ?? 0));

  expect(served).toEqual(Array(10).fill("there"));
  expect(cluster.begun).toHaveLength(10);
  expect(gaps.every((gap) => gap >= TERMS.dwellMs)).toBe(true);
});
