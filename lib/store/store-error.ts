/** Why the databases could not be opened. The message is for the owner and says what to do. */
export class StoreError extends Error {
  override readonly name = "StoreError";

  /**
   * @param reason in_use: another process holds DATA_DIR. newer_schema: written by a newer version. corrupt: not a
   *               database, or a damaged one. unusable: cannot be read or written (rights, full disk)
   * @param path   the file or folder in question
   */
  constructor(
    readonly reason: "in_use" | "newer_schema" | "corrupt" | "unusable",
    readonly path: string,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}
