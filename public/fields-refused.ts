/** Calls whose refusal may name fields, so that each reason stands beside its field. */
import { Refused } from "./api.ts";
import { patientFetch } from "./patient-fetch.ts";

export class FieldsRefused extends Refused {
  constructor(
    message: string,
    status: number,
    /** JSON Pointer into the body → what is wrong there. */
    readonly fields: ReadonlyMap<string, string>,
    /** Stable, for programs; empty where there was none. */
    readonly code: string,
  ) {
    super(message, status);
  }
}

/** @param token of the reservation that this tab holds @throws FieldsRefused for an answer that says no, Refused without an answer */
export async function send(method: string, path: string, body?: unknown, token?: string | null): Promise<Response> {
  const headers = new Headers();
  const init: RequestInit = { method, cache: "no-store", headers };
  if (token) headers.set("x-swap-lock-token", token);
  if (body !== undefined) {
    headers.set("content-type", "application/json");
    init.body = JSON.stringify(body);
  }
  const response = await patientFetch(path, init).catch(() => null);
  if (response === null) throw new Refused("Spark Control cannot be reached. Nothing was changed.", 0);
  if (response.ok) return response;
  const problem = (await response.json().catch(() => ({}))) as {
    detail?: string;
    code?: string;
    errors?: { path: string; message: string }[];
  };
  const message = problem.detail ?? `Spark Control answered with status ${response.status}.`;
  const fields = new Map(problem.errors?.map(({ path: at, message: why }) => [at, why]));
  throw new FieldsRefused(message, response.status, fields, problem.code ?? "");
}
