import { sparkControl } from "spark-control/client";

const client = sparkControl("http://localhost:9999");

const { error } = await client.api.swap.post({ model: "gpt-oss-20b" });
// error expected on the next line: TS2339
export const running = error?.status === 404 ? error.value.job_id : null;
