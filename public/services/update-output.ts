/** The last lines that the commands of a bot's update wrote, followed while it runs. */
import type { OutputLine } from "../../lib/bot/bot-update.ts";
import { type BotUpdate, outputOf } from "./calls.ts";

/** The rest is of no use here: the first step that fails ends it, and what it said last is the reason. */
const SHOWN_LINES = 20;

export class UpdateOutput {
  #id: string | undefined;
  #source: EventSource | undefined;

  /** @param tell the lines to show, each time that they change */
  constructor(private readonly tell: (lines: readonly string[]) => void) {}

  /**
   * A connection is held for this while it lasts (browsers allow six to a host): none where nobody looks, and none once all is read.
   * @param update undefined: none is looked at
   */
  follow(update: BotUpdate | undefined): void {
    if (update?.id === this.#id) return;
    this.#source?.close();
    this.#id = update?.id;
    this.tell([]);
    if (update === undefined) return;
    const source = new EventSource(outputOf(update.service));
    this.#source = source;
    let shown: readonly OutputLine[] = [];
    source.addEventListener("output", ({ data }: MessageEvent<string>) => {
      // After a cut everything comes again.
      const last = shown.at(-1)?.seq ?? 0;
      const { lines } = JSON.parse(data) as { readonly lines: readonly OutputLine[] };
      shown = [...shown, ...lines.filter(({ seq }) => seq > last)].slice(-SHOWN_LINES);
      this.tell(shown.map(({ line }) => line));
    });
    source.addEventListener("end", () => source.close());
  }
}
