/** Child process: opens the store, says so, and holds it until it is killed or its parent is gone. */
import { openStore } from "../../../lib/store/store.ts";

openStore(process.argv[2]!);
// So that it is the lock itself that holds, and not a variable that happens to be alive.
Bun.gc(true);
console.log("held");
await Bun.stdin.text();
