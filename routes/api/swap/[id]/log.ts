import { Elysia, t } from "elysia";
import type { ControlPlane } from "../../../../lib/control-plane.ts";
import { errors, FileOf } from "../../../../lib/http/schemas.ts";
import type { LogLine } from "../../../../lib/swap/swap.ts";

const LINES_A_READ = 2_000;
/** Of the model in the name of the file: what every file system takes. */
const NOT_FOR_A_NAME = /[^a-z0-9.-]+/gi;

export default ({ swaps, swapLog }: Pick<ControlPlane, "swaps" | "swapLog">) =>
  new Elysia().get(
    "",
    ({ params: { id }, request }) => {
      const job = swaps.get(id);
      const name = `${job.model}-${job.created_at.slice(0, 19)}.log`.replace(NOT_FOR_A_NAME, "-");
      const headers = {
        "content-type": "text/plain; charset=utf-8",
        "content-disposition": `attachment; filename="${name}"`,
        "cache-control": "no-store",
      };
      if (request.method === "HEAD") return new Response(null, { headers });
      return new Response(
        text((after) => swapLog.read(id, after, LINES_A_READ), swapLog.lastSeq(id)),
        { headers },
      );
    },
    {
      params: t.Object({ id: t.String({ maxLength: 64, description: "`job_id` of the swap" }) }),
      response: { 200: FileOf("text/plain"), ...errors(404) },
      detail: {
        operationId: "downloadSwapLog",
        summary: "The whole log of a swap as a text file",
        description: "One line each: time, source, text, with tabs between them. A swap that runs: up to now.",
        tags: ["Swap"],
      },
    },
  );

/** Read at the client's own pace, so that no log is ever in memory as a whole. @param end the last line that is sent */
function text(read: (after: number) => readonly LogLine[], end: number): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let last = 0;
  return new ReadableStream(
    {
      pull(controller) {
        const lines = last < end ? read(last).filter(({ seq }) => seq <= end) : [];
        last = lines.at(-1)?.seq ?? last;
        if (lines.length === 0) return controller.close();
        controller.enqueue(encoder.encode(lines.map((it) => `${it.at}\t${it.source}\t${it.line}\n`).join("")));
      },
    },
    { highWaterMark: 0 },
  );
}
