/** What a simulated model says. Short, and says itself that it is simulated. */

const OPENINGS = [
  "This is a simulated answer.",
  "Here is a made-up reply from the simulated cluster.",
  "The simulated model has read your message.",
];

/** A rough count: four characters a token, as for English text. */
export function countTokens(text: string): number {
  return Math.max(1, Math.ceil(text.length / 4));
}

export interface AnswerLength {
  readonly maxTokens: number;
  /** vLLM's `min_tokens`, or `max_tokens` with `ignore_eos`: the answer repeats itself until it is that long. */
  readonly minTokens: number;
}

/** The answer as tokens, each with its leading space. Same prompt, same answer. */
export function answerTokens(prompt: string, length: AnswerLength): { tokens: readonly string[]; cut: boolean } {
  const opening = OPENINGS[prompt.length % OPENINGS.length]!;
  const topic = prompt.trim().split(/\s+/).slice(0, 8).join(" ");
  const words = `${opening} You wrote: “${topic}”. A real model would say more.`.split(" ");
  const whole = Math.max(words.length, length.minTokens);
  const tokens = Array.from({ length: Math.min(whole, length.maxTokens) }, (_, at) => {
    const word = words[at % words.length]!;
    return at === 0 ? word : ` ${word}`;
  });
  return { tokens, cut: whole > length.maxTokens || (length.minTokens > 0 && length.minTokens === length.maxTokens) };
}
