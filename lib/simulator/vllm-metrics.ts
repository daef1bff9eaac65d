/** Counters of one simulated vLLM, in Prometheus text with vLLM's names. */
import type { Scheduler } from "./speed.ts";

/** Seconds by which the gauges trail what happens, as measured on real ones (3 to 18 s). */
const LAG_SECONDS = 5;

export interface RunningRequest {
  /** So many tokens more have come out. */
  generated(tokens: number): void;
  end(): void;
}

export class VllmMetrics {
  #running = 0;
  #shownRunning = 0;
  #promptTokens = 0;
  #generatedTokens = 0;
  #requests = 0;

  constructor(
    private readonly scheduler: Scheduler,
    private readonly model: string,
  ) {}

  /** A request comes in. */
  begin(promptTokens: number): RunningRequest {
    this.#promptTokens += promptTokens;
    this.#requests += 1;
    this.#setRunning(this.#running + 1);
    let open = true;
    return {
      generated: (tokens) => {
        this.#generatedTokens += tokens;
      },
      end: () => {
        if (open) this.#setRunning(this.#running - 1);
        open = false;
      },
    };
  }

  text(): string {
    const labels = `{engine="0",model_name="${this.model}"}`;
    const family = (name: string, type: string, value: number) => `# TYPE ${name} ${type}\n${name}${labels} ${value}\n`;
    return [
      family("vllm:num_requests_running", "gauge", this.#shownRunning),
      family("vllm:num_requests_waiting", "gauge", 0),
      family("vllm:kv_cache_usage_perc", "gauge", Math.min(1, this.#shownRunning * 0.013)),
      family("vllm:prompt_tokens_total", "counter", this.#promptTokens),
      family("vllm:generation_tokens_total", "counter", this.#generatedTokens),
      `# TYPE vllm:time_to_first_token_seconds histogram\n`,
      `vllm:time_to_first_token_seconds_bucket{engine="0",model_name="${this.model}",le="+Inf"} ${this.#requests}\n`,
      `vllm:time_to_first_token_seconds_sum${labels} ${(this.#requests * 0.18).toFixed(3)}\n`,
      `vllm:time_to_first_token_seconds_count${labels} ${this.#requests}\n`,
    ].join("");
  }

  #setRunning(value: number): void {
    this.#running = value;
    this.scheduler.after(LAG_SECONDS, () => {
      this.#shownRunning = value;
    });
  }
}
