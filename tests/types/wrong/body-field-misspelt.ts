import { sparkControl } from "spark-control/client";

const client = sparkControl("http://localhost:9999");

await client.api.swap.post({
  model: "gpt-oss-20b",
  // error expected on the next line: TS2561
  dryrun: true,
});
