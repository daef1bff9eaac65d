/** The figures of a Spark's hardware, with their last hour. What it does not tell is a gap that says so. */
import { type Child, h } from "../dom.ts";
import { gb, grouped, size } from "../format.ts";
import type { HardwareCard, HistoryData } from "./calls.ts";
import { sparkline } from "./sparkline.ts";

type Figure = Exclude<keyof HistoryData, "from" | "step_seconds">;
const BYTES_PER_TB = 1e12;
const BYTES_PER_MIB = 2 ** 20;
/** A GB10 draws up to so much; a line that is higher sets its own scale. */
const USUAL_WATTS = 140;
const MOST_CELSIUS = 100;

/** @param history null: nobody looked in the last hour */
export function gauges(card: HardwareCard, history: HistoryData | null): Child {
  const { gpu, memory, cpu, disk } = card;
  const usedMib = memory && (memory.total_bytes - memory.available_bytes) / BYTES_PER_MIB;
  const line = (figure: Figure, name: string, unit: string, most: number, now: number | null, shown = whole) => {
    const known = history?.[figure] ?? [];
    // The ring holds half minutes; the last point is what the card says now.
    const values = known.length === 0 ? [] : [...known.slice(0, -1), now ?? known.at(-1) ?? null];
    const numbers = values.filter((value) => value !== null);
    const label =
      numbers.length === 0
        ? `${name} in the last hour: not reported`
        : `${name} in the last hour: from ${shown(Math.min(...numbers))} to ${shown(Math.max(...numbers))} ${unit}`;
    return sparkline({ values, most: Math.max(most, ...numbers), label });
  };
  return h(
    "dl",
    { class: "gauges", "data-key": "gauges" },
    gauge(
      "GPU use",
      figure(gpu?.percent, "%"),
      clocks(gpu),
      line("gpu_percent", "GPU use", "%", 100, gpu?.percent ?? null),
    ),
    gauge(
      "Temperature",
      figure(gpu?.celsius, "°C"),
      "of the GPU",
      line("gpu_celsius", "Temperature", "°C", MOST_CELSIUS, gpu?.celsius ?? null),
    ),
    gauge(
      "Power",
      figure(gpu?.watts, "W"),
      gpu?.power_limit_watts ? `limit ${whole(gpu.power_limit_watts)} W` : "of the GPU",
      line("gpu_watts", "Power", "W", gpu?.power_limit_watts ?? USUAL_WATTS, gpu?.watts ?? null),
    ),
    gauge(
      "Memory",
      memory && figure(gb(memory.total_bytes - memory.available_bytes), `of ${gb(memory.total_bytes)} GB`),
      "shared by CPU and GPU",
      line("memory_used_mib", "Memory", "GB", (memory?.total_bytes ?? 0) / BYTES_PER_MIB, usedMib, (mib) =>
        String(gb(mib * BYTES_PER_MIB)),
      ),
    ),
    gauge(
      "Processor",
      figure(cpu.percent, "%"),
      [cpu.cores !== null && `${cpu.cores} cores`, cpu.load !== null && `load ${cpu.load.toFixed(1)}`]
        .filter(Boolean)
        .join(", "),
      line("cpu_percent", "Processor", "%", 100, cpu.percent),
    ),
    gauge("Model disk", ...diskParts(disk)),
  );
}

function diskParts(disk: HardwareCard["disk"]): [Child, string, Child] {
  if (disk === null) return [null, "", null];
  const { total_bytes: total, used_bytes: used, available_bytes: free } = disk;
  const unit = total >= BYTES_PER_TB ? "TB" : "GB";
  const of = (bytes: number) => (unit === "TB" ? (bytes / BYTES_PER_TB).toFixed(1) : String(gb(bytes)));
  const percent = total > 0 ? Math.round((used / total) * 100) : 0;
  const level = h("meter", { min: 0, max: 100, high: 90, value: percent, "aria-label": "Model disk in use" });
  return [figure(of(used), `of ${of(total)} ${unit}`), `${of(free)} ${unit} free`, level];
}

const clocks = (gpu: HardwareCard["gpu"]): string =>
  gpu?.sm_mhz == null ? "" : `${whole(gpu.sm_mhz)} MHz${gpu.pstate === null ? "" : `, ${gpu.pstate}`}`;

/** @param value null when it is not reported: a dash, never a zero */
function gauge(name: string, value: Child, note: string, picture: Child): Child {
  return h(
    "div",
    { class: "gauge", "data-key": name },
    h("dt", {}, name),
    h(
      "dd",
      {},
      value ?? h("p", { class: "reading" }, h("b", {}, "–")),
      h("span", { class: "dim" }, value === null ? "not reported" : note),
      picture,
    ),
  );
}

function figure(value: number | string | null | undefined, unit: string): Child {
  if (value === null || value === undefined) return null;
  return h(
    "p",
    { class: "reading" },
    h("b", {}, typeof value === "number" ? whole(value) : value),
    h("span", { class: "unit" }, ` ${unit}`),
  );
}

const whole = (value: number): string => grouped(Math.round(value));

/** Who holds the memory, largest first. */
export function processList(card: HardwareCard): Child {
  if (card.processes.length === 0) return null;
  return h(
    "details",
    { class: "procs", "data-key": "processes" },
    h("summary", {}, "Memory by process"),
    h(
      "ul",
      {},
      ...card.processes.map(({ pid, name, gpu_bytes: gpu, resident_bytes: resident }) =>
        h(
          "li",
          { "data-key": String(pid) },
          h("code", {}, name),
          h("span", { class: "dim" }, `process ${pid}`),
          h(
            "span",
            { class: "num" },
            gpu === null
              ? resident === null
                ? "not reported"
                : size(resident)
              : `${size(gpu)} through the GPU${resident === null ? "" : `, ${size(resident)} beside it`}`,
          ),
        ),
      ),
    ),
  );
}
