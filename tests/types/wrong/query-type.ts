import { sparkControl } from "spark-control/client";

const client = sparkControl("http://localhost:9999");

// error expected on the next line: TS2322
await client.api.swap.get({ query: { limit: "ten" } });
