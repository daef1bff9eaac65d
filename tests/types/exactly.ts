/** Questions to the compiler. */

/** Whether two types are the same, not merely assignable to each other. */
export type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

type IsAny<T> = 0 extends 1 & T ? true : false;
type Opaque = string | number | boolean | bigint | null | undefined | Response | ArrayBuffer;

/** True where a type has lost something: `any` or `unknown`, however deep. */
export type Loses<T> =
  IsAny<T> extends true
    ? true
    : unknown extends T
      ? true
      : [T] extends [never]
        ? false
        : T extends Opaque
          ? false
          : T extends AsyncGenerator<infer Event>
            ? Loses<Event>
            : T extends readonly (infer Item)[]
              ? Loses<Item>
              : { [Key in keyof T]-?: Loses<T[Key]> }[keyof T];

interface Answer {
  readonly data: unknown;
  readonly error: unknown;
}

/** Names of the calls whose answer or error has lost something. */
export type Lossy<Calls extends Record<string, (...inputs: never) => Promise<Answer>>> = {
  [Name in keyof Calls]: true extends
    | Loses<Awaited<ReturnType<Calls[Name]>>["data"]>
    | Loses<Awaited<ReturnType<Calls[Name]>>["error"]>
    ? Name
    : never;
}[keyof Calls];

/** The statuses that a call's error may have. */
export type ErrorStatus<Call extends (...inputs: never) => Promise<Answer>> =
  NonNullable<Awaited<ReturnType<Call>>["error"]> extends infer Failure
    ? Failure extends { status: infer Status }
      ? Status
      : never
    : never;
