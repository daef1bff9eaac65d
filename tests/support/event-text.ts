/** The events of a finished answer of server-sent events. */
export function eventsOf(text: string): { event: string; data: unknown }[] {
  return text
    .split("\n\n")
    .map((frame) => ({ event: /^event: (.*)$/m.exec(frame)?.[1], data: /^data: (.*)$/m.exec(frame)?.[1] }))
    .flatMap(({ event, data }) => (event && data ? [{ event, data: JSON.parse(data) as unknown }] : []));
}
