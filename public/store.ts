/** Signals: values that panels read, and that run them again when they change. */
import { inTurn } from "./turns.ts";

type Run = () => void;

let reading: Effect | null = null;
const queued = new Set<Effect>();
/** Those that each wait for a turn of their own. */
const patient = new Set<Effect>();
let isGentle = false;

class Effect {
  readonly sources = new Set<Set<Effect>>();
  constructor(readonly body: Run) {}

  run(): void {
    this.stop();
    const outer = reading;
    reading = this;
    try {
      this.body();
    } finally {
      reading = outer;
    }
  }

  stop(): void {
    for (const readers of this.sources) readers.delete(this);
    this.sources.clear();
  }
}

export interface Signal<Value> {
  /** Reading it within an effect subscribes that effect. */
  value: Value;
}

export function signal<Value>(initial: Value): Signal<Value> {
  let current = initial;
  const readers = new Set<Effect>();
  return {
    get value() {
      if (reading) {
        readers.add(reading);
        reading.sources.add(readers);
      }
      return current;
    },
    set value(next) {
      if (Object.is(current, next)) return;
      current = next;
      if (isGentle) readers.forEach(wait);
      else if (readers.size > 0) {
        if (queued.size === 0) queueMicrotask(flush);
        for (const reader of readers) queued.add(reader);
      }
    },
  };
}

/** Runs the body now and, once per turn, after anything that it read has changed. @returns ends it */
export function effect(body: Run): Run {
  const made = new Effect(body);
  made.run();
  return () => {
    made.stop();
    queued.delete(made);
    patient.delete(made);
  };
}

/**
 * What the change sets is shown piece by piece, one effect a turn: for what comes by itself, and may change much at once. What
 * somebody does meanwhile is not kept waiting by it.
 */
export function gently(change: Run): void {
  isGentle = true;
  try {
    change();
  } finally {
    isGentle = false;
  }
}

function wait(each: Effect): void {
  if (queued.has(each) || patient.has(each)) return;
  patient.add(each);
  inTurn(() => {
    if (patient.delete(each)) each.run();
  });
}

function flush(): void {
  const due = [...queued];
  queued.clear();
  for (const each of due) {
    patient.delete(each);
    each.run();
  }
}
