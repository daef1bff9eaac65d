import { sparkControl } from "spark-control/client";

const client = sparkControl("http://localhost:9999");

const { data } = await client.health.get();
// error expected on the next line: TS2339
export const started = data?.started_at.getTime();
