/**
 * For what is only needed by a request that lasts: its timer and the signal of its client cost a tenth of a small request, which is
 * over before either could matter. All that have begun in the same moment are looked at together.
 */
const MOMENT_MS = 20;

export interface Lasting {
  lasts(): void;
}

export class Moment {
  #of: Lasting | null;

  /** @param of told after a moment, unless it is over by then */
  constructor(of: Lasting) {
    this.#of = of;
    if (young.push(this) === 1) setTimeout(look, MOMENT_MS);
  }

  pass(): void {
    this.#of?.lasts();
    this.#of = null;
  }

  /** It stays in the list for the rest of the moment: nothing else should. */
  over(): void {
    this.#of = null;
  }
}

/** Nothing is taken from it singly: a set costs as much as the timers that it spares. */
let young: Moment[] = [];

function look(): void {
  const all = young;
  young = [];
  for (const each of all) each.pass();
}
