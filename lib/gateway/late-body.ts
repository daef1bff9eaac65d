/** The end of a body, told to a passage that is made after the body has been begun. */
export class LateBody {
  #onEnd: (bytes: number) => void = () => undefined;
  #onFailure: (error: unknown) => void = () => undefined;
  readonly ended = (bytes: number) => this.#onEnd(bytes);
  readonly failed = (error: unknown) => this.#onFailure(error);

  bind(onEnd: (bytes: number) => void, onFailure: (error: unknown) => void): void {
    this.#onEnd = onEnd;
    this.#onFailure = onFailure;
  }
}
