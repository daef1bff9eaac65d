import { sparkControl } from "spark-control/client";

const client = sparkControl("http://localhost:9999");

const { data } = await client.api.models.get();
// error expected on the next line: TS18047
export const count = data.models.length;
