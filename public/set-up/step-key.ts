/** Where a tab keeps how far its set-up has come. */
export const STEP_KEY = "set-up-step";
