import { sparkControl } from "spark-control/client";

const client = sparkControl("http://localhost:9999");

// error expected on the next line: TS2551
await client.api.swaps.get();
