import { sparkControl } from "spark-control/client";

const client = sparkControl("http://localhost:9999");

const { data } = await client.api.swap({ id: "0192f0c1-2b7a-7c3e-9d55-3a1f0f6f9b01" }).stream.get();
for await (const message of data ?? []) {
  // error expected on the next line: TS2367
  if (message.event === "ready") break;
}
