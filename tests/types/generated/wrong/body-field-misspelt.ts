import { generatedClient } from "../client.ts";

const client = generatedClient("http://localhost:9999");

await client.POST("/api/swap", {
  // error expected on the next line: TS2561
  body: { model: "gpt-oss-20b", dryrun: true },
});
