import { generatedClient } from "../client.ts";

const client = generatedClient("http://localhost:9999");

// error expected on the next line: TS2554
await client.GET("/api/swaps");
