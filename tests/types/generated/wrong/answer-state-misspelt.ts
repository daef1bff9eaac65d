import { generatedClient, look } from "../client.ts";

const client = generatedClient("http://localhost:9999");

const state = await look(client, "0192f0c1-2b7a-7c3e-9d55-3a1f0f6f9b01");
// error expected on the next line: TS2367
export const isDone = state === "done";
