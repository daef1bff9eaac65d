import { sparkControl } from "spark-control/client";

const client = sparkControl("http://localhost:9999");

// error expected on the next line: TS2353
await client.api.swap.get({ query: { count: 10 } });
