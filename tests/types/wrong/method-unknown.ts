import { sparkControl } from "spark-control/client";

const client = sparkControl("http://localhost:9999");

// error expected on the next line: TS2339
await client.api.models.delete();
