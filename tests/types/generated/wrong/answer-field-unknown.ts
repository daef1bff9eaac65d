import { generatedClient } from "../client.ts";

const client = generatedClient("http://localhost:9999");

const { data } = await client.GET("/api/models");
// error expected on the next line: TS2339
export const context = data?.models[0]?.context_length;
