/** The adaptive limit against a modelled service: so many servers, one line in front of them, times that vary. */
import { describe, expect, test } from "bun:test";
import { ADAPTIVE, AdaptiveLimit, type AdaptiveOptions } from "../../../lib/gateway/adaptive-limit.ts";
import { random } from "../../support/random.ts";

const SERVICE_MS = 100;

class Service {
  now = 0;
  finished = 0;
  /** When each server is free. */
  #free: number[] = [];
  #running: { endsAt: number; beganAt: number; inFlight: number }[] = [];
  readonly #next: () => number;

  constructor(
    seed: number,
    private readonly jitter: number,
  ) {
    this.#next = random(seed);
  }

  set servers(count: number) {
    this.#free = Array.from({ length: count }, (_, index) => this.#free[index] ?? this.now);
  }

  /** As many requests as `demand` and the limit allow, until so many have been answered. */
  run(limit: AdaptiveLimit, demand: number, answers: number): void {
    for (let count = 0; count < answers; count++) {
      while (this.#running.length < Math.min(demand, limit.limit)) this.#begin();
      this.#running.sort((a, b) => a.endsAt - b.endsAt);
      const { endsAt, beganAt, inFlight } = this.#running.shift()!;
      this.now = endsAt;
      this.finished++;
      limit.saw(endsAt - beganAt, inFlight);
    }
  }

  #begin(): void {
    const server = this.#free.indexOf(Math.min(...this.#free));
    const takes = SERVICE_MS * (1 + this.jitter * (this.#next() - 0.5));
    const endsAt = Math.max(this.now, this.#free[server]!) + takes;
    this.#free[server] = endsAt;
    this.#running.push({ endsAt, beganAt: this.now, inFlight: this.#running.length + 1 });
  }
}

const options = (given: Partial<AdaptiveOptions> = {}) => {
  const all = { ...ADAPTIVE, most: 256, ...given };
  return () => all;
};

describe("the adaptive limit", () => {
  test.each([
    [1, 4],
    [4, 8],
    [16, 8],
    [64, 8],
    [16, 200],
    [4, 100],
  ])("finds a service of %i at a time, beginning at %i, and keeps it busy", (servers, start) => {
    for (const seed of [1, 2, 3]) {
      const service = new Service(seed, 0.6);
      service.servers = servers;
      const limit = new AdaptiveLimit(options(), start);
      service.run(limit, 1_000, 12_000);
      const before = { now: service.now, finished: service.finished };
      const seen: number[] = [];
      for (let round = 0; round < 200; round++) {
        service.run(limit, 1_000, 50);
        seen.push(limit.limit);
      }
      const perSecond = ((service.finished - before.finished) * 1000) / (service.now - before.now);
      const middle = seen.toSorted((a, b) => a - b)[100]!;

      expect(middle).toBeGreaterThanOrEqual(servers);
      // Tolerated latency, and the square root that it grows by.
      expect(middle).toBeLessThanOrEqual(Math.ceil(servers * 1.6 + Math.sqrt(servers) + 2));
      expect(perSecond).toBeGreaterThan(((servers * 1000) / SERVICE_MS) * 0.93);
    }
  });

  test("follows a service that becomes smaller, and one that becomes larger", () => {
    const service = new Service(7, 0.4);
    const limit = new AdaptiveLimit(options());
    const found: number[] = [];
    for (const servers of [32, 4, 64]) {
      service.servers = servers;
      service.run(limit, 1_000, 30_000);
      found.push(limit.limit);
    }

    expect(found[0]).toBeGreaterThan(20);
    expect(found[1]).toBeLessThan(12);
    expect(found[2]).toBeGreaterThan(40);
  });

  test("does not grow while nobody needs it, nor shrink", () => {
    const service = new Service(1, 0.4);
    service.servers = 64;
    const limit = new AdaptiveLimit(options(), 20);
    service.run(limit, 5, 2_000);

    expect(limit.limit).toBe(20);
  });

  test("stays between its bounds, whatever it sees", () => {
    const next = random(5);
    const limit = new AdaptiveLimit(options({ least: 2, most: 9 }), 4);
    for (let count = 0; count < 20_000; count++) {
      if (next() < 0.05) limit.failed();
      else limit.saw(next() * 10_000, Math.floor(next() * 20));
      expect(limit.limit).toBeGreaterThanOrEqual(2);
      expect(limit.limit).toBeLessThanOrEqual(9);
    }
  });

  test("backs off after failures", () => {
    const limit = new AdaptiveLimit(options(), 100);
    for (let count = 0; count < 5; count++) limit.failed();

    expect(limit.limit).toBe(32);
  });
});
