/**
 * The links that StartOS shows of a package ("source code") are part of its manifest, and the repository of whoever builds it is
 * not in the tree: it is put into the bundle here, from what a release is published with. Without it the links lead nowhere.
 */
import { readFileSync, writeFileSync } from "node:fs";

const BUNDLE = "javascript/index.js";
const PLACEHOLDER = "https://git.example.com/owner/spark-control";
const { GITEA_URL = "", GITEA_REPOSITORY = "" } = process.env;

const text = readFileSync(BUNDLE, "utf8");
if (!text.includes(PLACEHOLDER)) throw new Error(`${BUNDLE} has no place for the repository`);
if (GITEA_URL.trim() === "" || GITEA_REPOSITORY.trim() === "") {
  console.warn(
    "GITEA_URL and GITEA_REPOSITORY are not set: the links that StartOS shows of this package lead nowhere.",
  );
} else {
  const url = new URL(GITEA_URL.trim());
  if (!/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "" || url.search !== "")
    throw new Error("GITEA_URL is not a plain http address.");
  if (!/^[\w.-]+\/[\w.-]+$/.test(GITEA_REPOSITORY.trim())) throw new Error("GITEA_REPOSITORY is not owner/name.");
  const repository = `${url.href.replace(/\/+$/, "")}/${GITEA_REPOSITORY.trim()}`;
  writeFileSync(BUNDLE, text.replaceAll(PLACEHOLDER, repository));
}
