import { generatedClient } from "../client.ts";

const client = generatedClient("http://localhost:9999");

// error expected on the next line: TS2561
await client.POST("/api/swap", { body: { modle: "gpt-oss-20b" } });
