/** The last update of each bot on disk, so that one that runs is taken up again. */
import type { Database } from "bun:sqlite";
import { readJson } from "../read-json.ts";
import type { BotUpdate } from "./bot-update.ts";

export class UpdateRecords {
  constructor(private readonly db: Database) {}

  all(): BotUpdate[] {
    return this.db
      .query<{ document: string }, []>("SELECT document FROM bot_update")
      .all()
      .flatMap(({ document }) => readJson<BotUpdate>(document) ?? []);
  }

  keep(update: BotUpdate): void {
    this.db.run(
      "INSERT INTO bot_update (bot, document) VALUES (?1, ?2) ON CONFLICT (bot) DO UPDATE SET document = ?2",
      [update.service, JSON.stringify(update)],
    );
  }
}
