/** The events of a streamed answer (HTML Living Standard, "Server-sent events"), as far as OpenAI's streams use them. */

export interface StreamEvent {
  /** `message` unless it is named. */
  readonly name: string;
  readonly data: string;
}

/** Takes text in pieces, cut anywhere, and gives what is complete. */
export class EventReader {
  #rest = "";

  push(text: string): StreamEvent[] {
    this.#rest += text;
    const events: StreamEvent[] = [];
    for (;;) {
      const end = /\r?\n\r?\n/.exec(this.#rest);
      if (!end) return events;
      const event = parse(this.#rest.slice(0, end.index));
      this.#rest = this.#rest.slice(end.index + end[0].length);
      if (event) events.push(event);
    }
  }
}

function parse(block: string): StreamEvent | null {
  let name = "message";
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const [, field, value = ""] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
    if (field === "event") name = value;
    if (field === "data") data.push(value);
  }
  return data.length === 0 ? null : { name, data: data.join("\n") };
}
