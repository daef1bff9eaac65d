import { sparkControl } from "spark-control/client";

const client = sparkControl("http://localhost:9999");

const { error } = await client.api.models.get();
// error expected on the next line: TS2367
export const isReserved = error?.status === 423;
