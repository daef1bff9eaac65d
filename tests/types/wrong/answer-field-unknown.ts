import { sparkControl } from "spark-control/client";

const client = sparkControl("http://localhost:9999");

const { data } = await client.api.models.get();
// error expected on the next line: TS2339
export const context = data?.models[0]?.context_length;
