/**
 * What a route may answer, as a client sees it. Elysia knows a route's own answers, but promises its built-in
 * validation error for 422 and knows nothing of the guards in front of the routes; the client must not promise what is
 * never sent.
 */
import type { Static } from "@sinclair/typebox";
import type { openAiError } from "../http/problem.ts";
import type { Problem as ProblemSchema } from "../http/schemas.ts";

/** RFC 9457 problem document: every error outside `/v1`. Branch on `code`. */
export type Problem = Static<typeof ProblemSchema>;

/** OpenAI's error envelope: every error below `/v1`. `failed_by` tells the controller from the service behind it. */
export type OpenAiError = ReturnType<typeof openAiError>;

/** Elysia's own 422, which the error renderer replaces. */
interface BuiltInValidationError {
  readonly type: "validation";
  readonly on: string;
}

interface Route {
  readonly body: unknown;
  readonly response: Record<number, unknown>;
}

/** The statuses of lib/http/openapi-operation.ts, for the verb `Method`. */
type GuardAnswers<Method, Body, Err> = { 400: Err; 421: string; 500: Err } & (Method extends "get" | "head"
  ? unknown
  : { 403: Err }) &
  (unknown extends Body ? unknown : { 413: Err; 415: Err });

type OwnAnswers<Response, Err> = {
  [Status in keyof Response]: Response[Status] extends BuiltInValidationError ? Err : Response[Status];
};

type Flat<T> = { [Key in keyof T]: T[Key] };

type RouteAnswers<Method, R extends Route, Err> = Flat<
  Omit<R, "response"> & {
    response: Flat<OwnAnswers<R["response"], Err> & Omit<GuardAnswers<Method, R["body"], Err>, keyof R["response"]>>;
  }
>;

type Tree<Routes, Err> = {
  [Key in keyof Routes]: Routes[Key] extends Route ? RouteAnswers<Key, Routes[Key], Err> : Tree<Routes[Key], Err>;
};

/** Elysia's `~Routes` with the answers that are really sent. */
export type Answers<Routes> = {
  [Root in keyof Routes]: Routes[Root] extends Route
    ? RouteAnswers<Root, Routes[Root], Problem>
    : Tree<Routes[Root], Root extends "v1" ? OpenAiError : Problem>;
};
