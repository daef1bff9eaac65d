/** How long each kind of service may take, and how large what is sent to it may be. */

export interface Patience {
  /** Until a connection stands. */
  readonly connectMs: number;
  /** From the end of the upload to the head of the answer. */
  readonly firstByteMs: number;
  /** Between two pieces of the answer, and for a piece of the upload to be taken. */
  readonly silenceMs: number;
  /** From the end of the upload to the end of the answer. */
  readonly totalMs: number;
  readonly mostBytes: number;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const MIB = 1024 * 1024;
const CONNECT_MS = 5 * SECOND;

export const PATIENCE = {
  /** Prompts may carry pictures. An answer that is not streamed comes whole, at the end. */
  chat: {
    connectMs: CONNECT_MS,
    firstByteMs: 30 * MINUTE,
    silenceMs: 10 * MINUTE,
    totalMs: 30 * MINUTE,
    mostBytes: 64 * MIB,
  },
  /** 200 MB of audio, and room for the form around it. */
  asr: {
    connectMs: CONNECT_MS,
    firstByteMs: 300 * SECOND,
    silenceMs: 2 * MINUTE,
    totalMs: 10 * MINUTE,
    mostBytes: 201 * MIB,
  },
  tts: { connectMs: CONNECT_MS, firstByteMs: MINUTE, silenceMs: MINUTE, totalMs: 10 * MINUTE, mostBytes: 2 * MIB },
  text: { connectMs: CONNECT_MS, firstByteMs: MINUTE, silenceMs: MINUTE, totalMs: 2 * MINUTE, mostBytes: 16 * MIB },
} as const satisfies Readonly<Record<string, Patience>>;
