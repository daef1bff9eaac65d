/** What Python's logging and vLLM put before a message, after the process it comes from: "(EngineCore pid=371) ERROR 11-28 …". */
const LEVEL = /^(?:\([^)]{1,64}\) )?(?:(WARN(?:ING)?)|ERROR|CRITICAL|FATAL)\b/;
/** The line that ends a traceback: "torch.OutOfMemoryError: CUDA out of memory." */
const RAISED = /^(?:\([^)]{1,64}\) )?[A-Za-z_][\w.]{0,80}(?:Error|Exception): /;

/** How bad the program says that it is; null when it says nothing of the kind. */
export function levelOf(line: string): "warn" | "bad" | null {
  const level = LEVEL.exec(line);
  if (level) return level[1] === undefined ? "bad" : "warn";
  return RAISED.test(line) ? "bad" : null;
}
