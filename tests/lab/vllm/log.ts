/** Lines as vLLM's logger writes them, with the prefix of the process. vLLM writes its log to stdout and bars to stderr. */
import { writeSync } from "node:fs";

const two = (value: number): string => String(value).padStart(2, "0");

function stamp(): string {
  const now = new Date();
  return `${two(now.getMonth() + 1)}-${two(now.getDate())} ${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}`;
}

/** A reader that has gone away must not end the process: the real one logs on into a closed pipe too. */
function write(descriptor: 1 | 2, text: string): void {
  try {
    writeSync(descriptor, text);
  } catch {
    // EPIPE or EAGAIN: the line is lost.
  }
}

export class Log {
  constructor(private readonly process: string) {}

  private prefix(): string {
    return `(${this.process} pid=${process.pid}) `;
  }

  info(place: string, text: string): void {
    write(1, `${this.prefix()}INFO ${stamp()} [${place}] ${text}\n`);
  }

  error(place: string, text: string): void {
    for (const line of text.split("\n")) write(1, `${this.prefix()}ERROR ${stamp()} [${place}] ${line}\n`);
  }

  /** A line that does not come from the logger: uvicorn, a traceback. */
  raw(text: string): void {
    for (const line of text.split("\n")) write(2, `${this.prefix()}${line}\n`);
  }

  /** One state of a progress bar: overwrites the line, ends it when it is complete. */
  bar(title: string, done: number, of: number, seconds: number): void {
    const percent = Math.floor((100 * done) / of);
    const rate = seconds > 0 ? (done / seconds).toFixed(2) : "?";
    const text = `${title}: ${String(percent).padStart(3)}% ${title.startsWith("Loading") ? "Completed | " : `|${"█".repeat(Math.floor(percent / 10)).padEnd(10)}| `}${done}/${of} [00:0${Math.min(9, Math.floor(seconds))}<00:00, ${rate}it/s]`;
    write(2, `\r${this.prefix()}${text}${done === of ? "\n" : ""}`);
  }
}

/** Numbers lines from 1, each with the moment it was written, evenly over that time; resolves after the last one. */
export async function writeNumbers(log: Log, count: number, seconds: number): Promise<void> {
  const began = performance.now();
  for (let number = 1; number <= count; number++) {
    const early = began + (seconds * 1000 * number) / count - performance.now();
    if (early > 0) await Bun.sleep(early);
    log.info("numbers.py:1", `line ${String(number).padStart(6, "0")} ${Date.now()}`);
  }
}
