/** Child process: opens the store, says so, and holds it until it is killed. */
import { openStore } from "../../../lib/store/store.ts";

openStore(process.argv[2]!);
console.log("held");
setInterval(() => {}, 1_000_000);
