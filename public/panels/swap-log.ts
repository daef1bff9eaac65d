import type { LineSource, SourceEvents } from "../log/line-source.ts";
import { wholeLogUrl } from "../log/log-pages.ts";
import { LogSource } from "../log/log-source.ts";
import { running } from "../state.ts";
import { LogView } from "./log-view.ts";

/** The log of the swap in `data-job`, followed while it runs. */
export class SwapLog extends LogView {
  protected readonly label = "Log of the swap";

  protected get wholeUrl(): string {
    return wholeLogUrl(this.#job);
  }

  protected open(events: SourceEvents): LineSource {
    return new LogSource(this.#job, events);
  }

  protected isRunning(): boolean {
    return running.value.some((job) => job.job_id === this.#job);
  }

  get #job(): string {
    return this.dataset.job ?? "";
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "swap-log": SwapLog;
  }
}
