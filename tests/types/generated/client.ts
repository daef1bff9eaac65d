/** A client made from the OpenAPI document alone, as an app in another language's tooling would have it. */
import createClient from "openapi-fetch";
import type { components, operations, paths } from "spark-control-openapi";

export type Job = components["schemas"]["SwapJob"];
export type Operation = keyof operations;

export const generatedClient = (baseUrl: string) => createClient<paths>({ baseUrl });
type Client = ReturnType<typeof generatedClient>;

export async function loadedModels(client: Client): Promise<string[]> {
  const { data } = await client.GET("/api/models");
  return data?.models.flatMap(({ key, loaded_in }) => (loaded_in.length > 0 ? [key] : [])) ?? [];
}

export async function plan(client: Client, model: string): Promise<number> {
  const { data, error } = await client.POST("/api/swap/plan", { body: { model, slot: "main" } });
  if (!data) throw new Error(typeof error === "string" ? error : error.code);
  return data.downtime_seconds;
}

export async function swap(client: Client, model: string): Promise<Job> {
  const { data, error } = await client.POST("/api/swap", { body: { model, rollback: true } });
  if (!data) throw new Error(typeof error === "string" ? error : error.detail);
  if ("dry_run" in data) throw new Error(data.plan.summary.join(" "));
  return data;
}

export async function cancel(client: Client, id: string): Promise<Job["state"] | undefined> {
  const { data } = await client.DELETE("/api/swap/{id}", { params: { path: { id } } });
  return data?.state;
}

export async function history(client: Client, limit: number): Promise<string[]> {
  const { data } = await client.GET("/api/swap", { params: { query: { limit } } });
  return data?.swaps.map(({ job_id }) => job_id) ?? [];
}

export async function look(client: Client, id: string): Promise<Job["state"] | undefined> {
  const { data } = await client.GET("/api/swap/{id}", { params: { path: { id } } });
  return data?.state;
}

export async function isUp(client: Client): Promise<boolean> {
  const { data } = await client.GET("/health");
  return data?.status === "ok";
}
