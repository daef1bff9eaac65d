/** Downloads that were started: kept so that they are followed on after a restart. */
import type { Database } from "bun:sqlite";
import { readJson } from "../read-json.ts";
import type { Download } from "./download.ts";

const MOST = 100;

export class DownloadStore {
  constructor(private readonly db: Database) {}

  save(download: Download): void {
    this.db.run("INSERT INTO download (id, document) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET document = ?2", [
      download.id,
      JSON.stringify(download),
    ]);
    this.db.run("DELETE FROM download WHERE id <= (SELECT id FROM download ORDER BY id DESC LIMIT 1 OFFSET ?1)", [
      MOST,
    ]);
  }

  /** Newest first. */
  all(): Download[] {
    return this.db
      .query<{ document: string }, []>("SELECT document FROM download ORDER BY id DESC")
      .all()
      .flatMap(({ document }) => readJson<Download>(document) ?? []);
  }
}
