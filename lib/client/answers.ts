/**
 * What a route may answer, as a client sees it. Elysia knows a route's own answers, but promises its built-in
 * validation error for 422 and knows nothing of the guards in front of the routes; the client must not promise what is
 * never sent.
 */
import type { App } from "../../routes/_app.ts";

type Routes = App["~Routes"];

/** RFC 9457 problem document: every error outside `/v1`. Branch on `code`. */
export type Problem = Routes["api"]["swap"]["plan"]["post"]["response"][404];

/** OpenAI's error envelope: every error below `/v1`. `failed_by` tells the controller from the service behind it. */
export interface OpenAiError {
  error: {
    message: string;
    type: string;
    param: string | null;
    code: string | null;
    failed_by: "controller" | "upstream";
    request_id?: string;
  };
}

/** Elysia's own 422, which the error renderer replaces. */
interface BuiltInValidationError {
  readonly type: "validation";
  readonly on: string;
}

interface Route {
  readonly body: unknown;
  readonly response: Record<number, unknown>;
}

/** What lib/http/openapi-operation.ts adds to every operation, for the verb `Method`. */
type GuardAnswers<Method, Body, Err> = { 400: Err; 421: string; 500: Err } & (Method extends "get" | "head"
  ? unknown
  : { 403: Err }) &
  (unknown extends Body ? unknown : { 413: Err; 415: Err });

/** Beside its own events a stream tells how long to wait before reconnecting (ms), and why it failed. */
type Stream<Event> = AsyncGenerator<
  Event | { event: "error"; data: Problem } | { event?: undefined; retry: number },
  void,
  unknown
>;

type OwnAnswer<Answer, Err> = Answer extends BuiltInValidationError
  ? Err
  : Answer extends AsyncGenerator<infer Event>
    ? Stream<Event>
    : Answer;

type OwnAnswers<Answers, Err> = { [Status in keyof Answers]: OwnAnswer<Answers[Status], Err> };

type Flat<T> = { [Key in keyof T]: T[Key] };

type RouteAnswers<Method, R extends Route, Err> = Flat<
  Omit<R, "response"> & {
    response: Flat<OwnAnswers<R["response"], Err> & Omit<GuardAnswers<Method, R["body"], Err>, keyof R["response"]>>;
  }
>;

type Tree<Branch, Err> = {
  [Key in keyof Branch]: Branch[Key] extends Route ? RouteAnswers<Key, Branch[Key], Err> : Tree<Branch[Key], Err>;
};

/** The app's routes with the answers that are really sent. */
export type Answers = {
  [Root in keyof Routes]: Routes[Root] extends Route
    ? RouteAnswers<Root, Routes[Root], Problem>
    : Tree<Routes[Root], Root extends "v1" ? OpenAiError : Problem>;
};
