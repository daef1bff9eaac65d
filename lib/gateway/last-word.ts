/**
 * Whether a stream of events has said that it is over. Asked only where its bytes have no framing: such an answer ends with its
 * connection, and the end of a process that died looks like the end of one that had finished.
 */

/** What ends an answer, by the path that was asked; each is looked for outside of the strings of its JSON. */
const LAST_WORDS: Readonly<Record<string, RegExp>> = {
  "/v1/chat/completions": /^data: ?\[DONE\]|"finish_reason": ?"/m,
  "/v1/completions": /^data: ?\[DONE\]|"finish_reason": ?"/m,
  "/v1/responses": /^data: ?\[DONE\]|"type": ?"response\.(?:completed|incomplete|failed)"/m,
  "/v1/messages": /"type": ?"message_stop"/,
};
const ERROR = /^event: ?error|^data: ?\{"error"|"type": ?"error"/m;
/** More than any of them is long. */
const SEAM_CHARACTERS = 64;

export class LastWord {
  #seam = "\n";
  isSaid = false;

  private constructor(private readonly pattern: RegExp) {}

  /** @param path with its query @returns null where nobody knows how it would end */
  static of(path: string): LastWord | null {
    const pattern = LAST_WORDS[path.split("?", 1)[0]!];
    return pattern ? new LastWord(pattern) : null;
  }

  push(piece: Uint8Array): void {
    if (this.isSaid) return;
    const text = this.#seam + Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength).toString("latin1");
    this.isSaid = this.pattern.test(text) || ERROR.test(text);
    this.#seam = text.slice(-SEAM_CHARACTERS);
  }
}
