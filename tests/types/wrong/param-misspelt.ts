import { sparkControl } from "spark-control/client";

const client = sparkControl("http://localhost:9999");

// error expected on the next line: TS2353
await client.api.swap({ job_id: "0192f0c1-2b7a-7c3e-9d55-3a1f0f6f9b01" }).get();
