import { sdk } from "../sdk";
import { configureSparks } from "./configureSparks";
import { downloadDiagnostics } from "./downloadDiagnostics";
import { releaseReservation } from "./releaseReservation";
import { resetHostKeys } from "./resetHostKeys";
import { showSshKey } from "./showSshKey";

export const actions = sdk.Actions.of()
  .addAction(configureSparks)
  .addAction(showSshKey)
  .addAction(releaseReservation)
  .addAction(resetHostKeys)
  .addAction(downloadDiagnostics);
