/** Whoever is told how an upload went. */
export interface Uploading {
  /** All of the body has been read. */
  uploaded(bytes: number): void;
  /** The body cannot be read to its end: too large, or the client has gone. */
  uploadFailed(error: unknown): void;
}

/** The end of a body, told to a passage that is made after the body has been begun. */
export class LateBody implements Uploading {
  #to: Uploading | null = null;

  bind(to: Uploading): void {
    this.#to = to;
  }

  uploaded(bytes: number): void {
    this.#to?.uploaded(bytes);
  }

  uploadFailed(error: unknown): void {
    this.#to?.uploadFailed(error);
  }
}
