/** Tests that need something of the machine: they are skipped loudly without it, or fail when `REQUIRE_ALL=1`. */
import { describe, test } from "bun:test";

const REQUIRE_ALL = process.env.REQUIRE_ALL === "1";

/**
 * Declares what a group of tests needs; the answer is the `describe` to put them in.
 * @param name      what is tested, for the line that is printed
 * @param available whether the machine has it
 * @param how       why it is missing and how to get it: "sshd is not installed (apt-get install openssh-server)"
 */
export function requirement(name: string, available: boolean, how: string): (label: string, body: () => void) => void {
  if (available) return (label, body) => describe(label, body);
  if (REQUIRE_ALL) {
    return (label) =>
      test(`${label}: requirement`, () => {
        throw new Error(`REQUIRE_ALL=1, but ${name} cannot be tested: ${how}`);
      });
  }
  console.log(`skipped: ${name}: ${how}`);
  return (label, body) => describe.skip(label, body);
}
