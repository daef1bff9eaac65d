/** What is too long for every run of the tests. */
export interface Campaign {
  /** As it is given on the command line. */
  readonly name: string;
  readonly defaultRounds: number;
  /** Prints what it does and a table of figures. @param next numbers in [0, 1), the same for the same seed. @returns whether nothing was wrong */
  run(rounds: number, next: () => number): Promise<boolean>;
}
