import type { LineSource, SourceEvents } from "../log/line-source.ts";
import { downloadOf } from "../services/calls.ts";
import { ServiceLogSource } from "../services/log-source.ts";
import { logEnd } from "../services/words.ts";
import { services } from "../state.ts";
import { LogView } from "./log-view.ts";

/** The log of the container of the service in `data-service`. */
export class ServiceLog extends LogView {
  #source: ServiceLogSource | null = null;

  protected get label(): string {
    return `Log of ${this.#name}`;
  }

  protected get wholeUrl(): string {
    return downloadOf(this.#name);
  }

  protected open(events: SourceEvents): LineSource {
    this.#source = new ServiceLogSource(this.#name, events);
    return this.#source;
  }

  protected isRunning(): boolean {
    return true;
  }

  protected override trouble(): string | null {
    const container = services.value?.find(({ name }) => name === this.#name)?.container ?? null;
    return this.#source?.trouble.value ?? logEnd(container);
  }

  get #name(): string {
    return this.dataset.service ?? "";
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "service-log": ServiceLog;
  }
}
